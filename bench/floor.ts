import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs';

/*
 * What any program that does the same has to do at least: read a file's bytes and write as many, on disk when it ends. `floor.js IN OUT` copies;
 * `floor.js SIZE OUT` only writes.
 */
const [from = '', to = ''] = process.argv.slice(2);
const block = new Uint8Array(8 << 20);
const input = /^\d+$/.test(from) ? undefined : openSync(from, 'r');
const size = input === undefined ? Number(from) : statSync(from).size;
const output = openSync(to, 'w');
for (let left = size; left > 0; ) {
  const count = Math.min(left, block.length);
  if (input !== undefined) readSync(input, block, 0, count, null);
  writeSync(output, block, 0, count);
  left -= count;
}
fsyncSync(output);
closeSync(output);
