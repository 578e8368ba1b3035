import { concat } from '../../../src/base/bytes.js';
import { CnnxError } from '../../../src/base/errors.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { checkModel } from '../../../src/graph/check.js';
import { registry } from '../../../src/ops/index.js';
import { freezeInitializers } from '../../../src/passes/freeze.js';
import { fuse } from '../../../src/passes/fuse.js';
import { LARGE } from './models.js';

/*
 * A process of its own for one measurement: KIND SIZE. Says on standard output how many milliseconds of the processor's
 * time each step took, and the error if it was refused.
 */

const [kind = '', size] = process.argv.slice(2);
const bytes = LARGE[kind]?.(Number(size)) ?? new Uint8Array(0);
const times: Record<string, number> = {};
let last = process.cpuUsage();

function took(step: string): void {
  const { user, system } = process.cpuUsage(last);
  times[step] = (user + system) / 1000;
  last = process.cpuUsage();
}

let refused: string | undefined;
let summary: string | undefined;
try {
  const model = readOnnx(bytes);
  took('read');
  const problems = checkModel(model, registry).filter((p) => p.severity === 'error');
  took('check');
  if (problems[0]) refused = problems[0].message;
  freezeInitializers(model);
  const report = await fuse(model);
  took('fuse');
  const written = concat(writeOnnx(model));
  took('write');
  summary = `${bytes.length} -> ${written.length} bytes; ${JSON.stringify([...report.applied])}`;
} catch (error) {
  if (!(error instanceof CnnxError)) throw error;
  took('read');
  refused = `${error.code}: ${error.message}`;
}
process.stdout.write(JSON.stringify({ times, refused, summary, peak: process.resourceUsage().maxRSS / 1024 }));
