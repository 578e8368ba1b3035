import type { Command } from 'commander';
import { startRunner } from '../node/machine/process-runner.js';
import { PATIENT } from '../running/runner.js';
import { type PartNames, type PartProof, provePart } from '../tasks/prove-part.js';
import { type Model, requiredInputs, saveModel } from '../index.js';
import { io } from './io.js';

/* What commands that write a part of a model, or the whole under other names, have in common. */

export interface PartOptions {
  readonly out: string;
  readonly verify: boolean;
  readonly json?: boolean;
}

export const partOptions = (command: Command): Command =>
  command
    .requiredOption('-o, --out <file>', 'ONNX file to write; - for standard output')
    .option('--no-verify', 'keep the result without running it')
    .option('--json', 'print what was written as JSON');

/** Compares a result with what it is a part of, and writes it; a difference is exit code 1, and nothing is written. */
export async function finishPart(
  whole: Model,
  part: Model,
  names: PartNames,
  o: PartOptions,
  command: string,
): Promise<void> {
  const proof = o.verify ? await prove(whole, part, names) : undefined;
  if (proof?.verdict === 'different') {
    io.fail(1);
    if (o.json && o.out !== '-') await io.report(command, { proof });
    io.note(`${proofText(proof)}; nothing was written`);
    return;
  }
  const saved = await saveModel(part, o.out);
  const inputs = requiredInputs(part).map((v) => v.name);
  const outputs = part.graph.outputs.map((v) => v.name);
  if (o.json && o.out !== '-')
    return io.report(command, { ...saved, inputs, outputs, nodes: part.graph.nodeCount, proof });
  io.printBeside(o.out, `${part.graph.nodeCount} nodes, from ${inputs.join(', ')} to ${outputs.join(', ')}`);
  io.printBeside(o.out, proof ? proofText(proof) : 'not verified: as asked');
  io.printBeside(o.out, `written: ${saved.path}${saved.side === undefined ? '' : `, weights in ${saved.side}`}`);
}

async function prove(whole: Model, part: Model, names: PartNames): Promise<PartProof> {
  const runner = startRunner(PATIENT);
  try {
    io.progress('comparing with the whole');
    return await provePart(whole, part, { ...names, runner });
  } finally {
    runner.close();
  }
}

export function proofText({ verdict, why, runs }: PartProof): string {
  if (verdict === 'equal') return `equal, bit for bit, on ${runs} random inputs`;
  return `${verdict}: ${why ?? ''}`;
}
