import { drawInputs } from '../../src/running/draw.js';
import { expect, test } from 'vitest';
import {
  cloneModel,
  compareModels,
  evaluator,
  float32Tensor,
  fuse,
  fuseChecked,
  type Model,
  parseGraph,
  type Runner,
  type Session,
} from '../../src/core.js';
import { ofTensor, runNaive } from '../support/naive/index.js';

/*
 * `cnnx/core` fuses and compares on whatever runs models. This runner is none of onnxruntime's: it computes in float64, here, one operator
 * after another. A host is correct when it does what `Runner` says, and this is about the smallest one.
 */

const SHAPE = [2, 3, 8, 8];

function naiveRunner(log: string[] = []): Runner {
  const load = (model: Model): Promise<Session> => {
    log.push('load');
    const feeds = model.graph.inputs.map((v) => ({ name: v.name, dtype: 'float32', shape: SHAPE }) as const);
    const outputs = model.graph.outputs.map((v) => ({ name: v.name, dtype: 'float32', shape: [] }) as const);
    return Promise.resolve({
      inputs: feeds,
      outputs,
      draw: (drawing) => Promise.resolve(drawInputs(drawing)),
      run: (given, fetches = outputs.map((o) => o.name)) => {
        const { outputs: computed } = runNaive(model, new Map(Array.from(given, ([name, t]) => [name, ofTensor(t)])));
        return Promise.resolve(
          new Map(
            fetches.map((name) => {
              const y = computed.get(name);
              if (!y) throw new Error(`${name} was not computed`);
              return [name, float32Tensor(y.shape, Float32Array.from(y.data))];
            }),
          ),
        );
      },
      time: () => Promise.resolve([]),
      release: () => {
        log.push('release');
        return Promise.resolve([]);
      },
    });
  };
  return { load, forget: () => {}, peakMemory: () => Promise.resolve(Number.NaN), close: () => log.push('close') };
}

const block = (scale: number): Model =>
  parseGraph(
    `(x: float32[2,3,8,8]) -> (y)
 c = Conv<pads=[1,1,1,1]>(x, w: float32[4,3,3,3])
 s = Mul(c, k: float32[1] = [${scale}])
 d = Conv(x, v: float32[4,3,1,1])
 a = Add(s, d)
 y = Relu(a)`,
    { seed: 4 },
  );

test('two models are compared, and every session is released', async () => {
  const log: string[] = [];
  const runner = naiveRunner(log);
  expect(await compareModels(block(2), block(2), { runner })).toMatchObject({ verdict: 'match', runs: 3 });
  const other = await compareModels(block(2), block(3), { runner });
  expect(other).toMatchObject({ verdict: 'mismatch', first: { value: 's', op: 'Mul' } });
  expect(log.filter((l) => l === 'load').length).toBe(log.filter((l) => l === 'release').length);
  expect(log).not.toContain('close');
});

test('fuse, with constants and comparison from the same runner', async () => {
  const model = block(2);
  const { report, check } = await fuseChecked(model, { runner: naiveRunner() });
  expect(check).toMatchObject({ verdict: 'match' });
  expect(report.after.get('Conv')).toBe(1);
  expect([...model.graph.nodes()].map((n) => n.opType)).toEqual(['Conv', 'Relu']);
});

test('the evaluator gives what the runner computes', async () => {
  const model = parseGraph(`(x: float32[2]) -> (y)
 c = Mul(a: float32[2] = [2, 3], b: float32[2] = [5, 7])
 y = Add(x, c)`);
  const folded = cloneModel(model);
  await fuse(folded, { evaluate: evaluator(naiveRunner()) });
  const [add] = [...folded.graph.nodes()];
  expect(add?.opType).toBe('Add');
  const constant = add?.inputs.find((v) => v?.initializer)?.initializer;
  expect(constant && [...ofTensor(constant).data]).toEqual([10, 21]);
});
