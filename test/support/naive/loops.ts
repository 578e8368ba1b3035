import type { Graph } from '../../../src/graph/ir.js';
import { at, type Call, type Nd } from './nd.js';

/* Loop and Scan as their specifications say (Loop since 1, Scan since 9), with sequences on the first axis. */

/** The outputs of a body for these inputs. */
export type RunBody = (body: Graph, inputs: readonly Nd[]) => readonly Nd[];

const scalar = (value: number): Nd => ({ shape: [], data: Float64Array.of(value) });

/** Values of equal shape along a new first axis. */
function stacked(parts: readonly Nd[]): Nd {
  return {
    shape: [parts.length, ...(parts[0]?.shape ?? [])],
    data: Float64Array.from(parts.flatMap((p) => [...p.data])),
  };
}

/** M, cond and what goes round; then what comes out of the last round, and the sequences. */
export function loop(call: Call, run: RunBody): Nd[] {
  const body = call.graph('body');
  const [trips, condition, ...start] = call.inputs;
  let carried = start.map((_, i) => call.x(i + 2));
  let goes = condition ? at(condition.data, 0) !== 0 : true;
  const sequences: Nd[][] = body.outputs.slice(1 + carried.length).map(() => []);
  for (let i = 0; goes && i < (trips ? at(trips.data, 0) : Number.POSITIVE_INFINITY); i++) {
    const [next, ...made] = run(body, [scalar(i), scalar(1), ...carried]);
    goes = next !== undefined && at(next.data, 0) !== 0;
    carried = made.slice(0, carried.length);
    sequences.forEach((s, k) => s.push(...made.slice(carried.length + k, carried.length + k + 1)));
  }
  return [...carried, ...sequences.map(stacked)];
}

/** States and sequences; then the last states, and the sequences that the body gives. */
export function scan(call: Call, run: RunBody): Nd[] {
  const body = call.graph('body');
  const count = call.inputs.length - call.int('num_scan_inputs', 0);
  let states = call.inputs.slice(0, count).map((_, i) => call.x(i));
  const given = call.inputs.slice(count).map((_, i) => call.x(count + i));
  const sequences: Nd[][] = body.outputs.slice(count).map(() => []);
  for (let i = 0; i < at(given[0]?.shape ?? [0], 0); i++) {
    const parts = given.map(({ shape: [, ...shape], data }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return { shape, data: data.slice(i * size, (i + 1) * size) };
    });
    const made = run(body, [...states, ...parts]);
    states = made.slice(0, count);
    sequences.forEach((s, k) => s.push(...made.slice(count + k, count + k + 1)));
  }
  return [...states, ...sequences.map(stacked)];
}
