import { readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { registry } from '../../../src/ops/index.js';
import { mutate } from '../mutate.js';
import { parseWire } from '../wire.js';
import { through } from './through.js';

/*
 * A process of its own for fuzzing: FOLDER FROM BELOW STEP runs the seeds from FROM on. Each is named on standard
 * output before it runs and its outcome after: whoever waits knows which one hangs or crashes. Synchronously, since
 * what hangs never gets to write.
 */

const [folder = '', from, below, step] = process.argv.slice(2);
const sources = readdirSync(folder)
  .sort()
  .map((name) => parseWire(new Uint8Array(readFileSync(join(folder, name)))));
const operators = [...new Set(registry.all.map((op) => op.name))];

for (let seed = Number(from); seed < Number(below); seed += Number(step)) {
  writeSync(1, `${seed}\n`);
  const source = sources[seed % sources.length] ?? [];
  const bytes = mutate(source, seed, operators);
  const start = process.cpuUsage();
  let said: { outcome: string } | { failure: string };
  try {
    said = { outcome: await through(bytes) };
  } catch (error) {
    said = { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const { user, system } = process.cpuUsage(start);
  writeSync(1, `${seed} ${JSON.stringify({ ...said, ms: (user + system) / 1000 })}\n`);
}
