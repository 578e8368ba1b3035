import { expect, test } from 'vitest';
import * as builders from '../../../src/builders/build.js';
import { concat } from '../../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { checkModel } from '../../../src/graph/check.js';
import type { Model } from '../../../src/graph/ir.js';
import { registry } from '../../../src/ops/index.js';
import { convertOpset } from '../../../src/passes/opset/convert.js';
import { HIGHEST_CONVERTED_OPSET, irVersionFor, LOWEST_CONVERTED_OPSET } from '../../../src/passes/opset/versions.js';
import { parseGraph } from '../../../src/text/parse.js';
import { printGraph } from '../../../src/text/print.js';
import { expectSameOutputs, parsed, TOL } from '../../support/rules.js';

const irOf = (model: Model): number => Number(model.irVersion);

test('goes as high as what is built', () => {
  expect(HIGHEST_CONVERTED_OPSET).toBe(builders.HIGHEST_OPSET);
});

test('the IR version fits the opset, as ONNX has released them', () => {
  // ONNX docs/Versioning.md: opset of the release and its IR version.
  const released = [
    [7, 3],
    [8, 3],
    [9, 4],
    [10, 5],
    [11, 6],
    [12, 7],
    [13, 7],
    [14, 7],
    [15, 8],
    [16, 8],
    [17, 8],
    [18, 8],
  ];
  const later = [
    [19, 9],
    [20, 9],
    [21, 10],
    [22, 10],
    [23, 11],
    [24, 12],
    [25, 13],
    [26, 13],
  ];
  for (const [opset = 0, ir] of [...released, ...later]) expect(irVersionFor(opset), `opset ${opset}`).toBe(ir);
  const model = parsed('<ir: 8, opset: ["": 17]> (x: float32[2]) -> (y)\n y = Relu(x)');
  for (let opset = LOWEST_CONVERTED_OPSET; opset <= HIGHEST_CONVERTED_OPSET; opset++) {
    const ir = irOf(convertOpset(model, opset).model);
    expect(ir, `opset ${opset}`).toBe(opset >= 17 ? Math.max(8, irVersionFor(opset)) : irVersionFor(opset));
  }
});

test('below IR 4 initializers are listed, and stay the constants that they were', async () => {
  const model = parsed('<ir: 8, opset: ["": 17]> (x: float32[1,3,5,5]) -> (y)\n y = Conv(x, w: float32[2,3,3,3])');
  const low = convertOpset(model, 8).model;
  expect(irOf(low)).toBe(3);
  expect(low.graph.inputs.map((v) => v.name)).toEqual(['x', 'w']);
  expect(low.graph.inputInfos.get(low.graph.inputs[1]!)?.type).toMatchObject({ shape: [2, 3, 3, 3] });
  await expectSameOutputs(model, low, TOL.exact);
  const high = convertOpset(low, 17).model;
  expect(high.graph.inputs.map((v) => v.name)).toEqual(['x']);
  await expectSameOutputs(model, high, TOL.exact);
});

test('what a caller may override keeps the IR version that says so', () => {
  const model = parseGraph(`<ir: 8, opset: ["": 17]> (x: float32[2], w: float32[2] = [1,2]) -> (y)\n y = Add(x, w)`);
  const low = convertOpset(model, 8).model;
  expect(irOf(low)).toBe(4);
  expect(low.graph.inputs.map((v) => v.name)).toEqual(['x', 'w']);
});

test('functions are converted, each from the version that it imports', async () => {
  const text = (opset: number, squeeze: string): string => `<ir: 8, opset: ["": ${opset}, my: 1]>
    function my::Norm opset: ["": ${squeeze.includes('<') ? 11 : opset}] { (a) -> (b) ${squeeze} b = Neg(s) }
    (x: float32[1,3]) -> (y)
      t = my::Norm(x)
      y = Unsqueeze(t, a: int64[1] = [0])`;
  const { model } = convertOpset(parseGraph(text(13, 's = Squeeze<axes=[0]>(a)')), 17);
  expect(model.functions[0]?.opset('')).toBe(17);
  expect(printGraph(model, { types: 'none' })).toMatchSnapshot();
  expect(checkModel(model, registry)).toEqual([]);
  // onnxruntime inlines a function as if it imported what the model does: the original does not load.
  await expectSameOutputs(parseGraph(text(17, 's = Squeeze(a)')), model, TOL.exact);
});

test('an attribute that stands for one of the call is refused where the version matters', () => {
  const model = parseGraph(`<ir: 8, opset: ["": 17, my: 1]>
    function my::F<k> opset: ["": 17] { (a) -> (b) b = Softmax<axis=@k>(a) }
    (x: float32[2,3]) -> (y)
      y = my::F<k=1>(x)`);
  expect(() => convertOpset(model, 11)).toThrow(/Softmax .*its inputs and attributes are not those of Softmax/);
  expect(convertOpset(model, 13).model.functions[0]?.opset('')).toBe(13);
});

test('weights are passed on as they are, and nodes that no step touches are written from their bytes', () => {
  const bytes = concat(
    writeOnnx(
      parseGraph(`<ir: 8, opset: ["": 13]> (x: float32[1,3,8,8]) -> (y)
      c = Conv@conv(x, w: float32[4,3,3,3])
      s = Squeeze@squeeze(c, a: int64[1] = [0])
      y = Relu@relu(s)`),
    ),
  );
  const model = readOnnx(bytes);
  const { model: low, applied } = convertOpset(model, 11);
  expect([...applied]).toEqual([['Squeeze 13: axes became an input', 1]]);
  const spans = [...low.graph.nodes()].map((n) => [n.name, n.span !== undefined]);
  expect(spans).toEqual([
    ['conv', true],
    ['squeeze', false],
    ['relu', true],
  ]);
  const weight = low.graph.values.get('w')?.initializer;
  expect(weight).toBe(model.graph.values.get('w')?.initializer);
  expect(concat(writeOnnx(model))).toEqual(bytes);
});

test('the opset that a model has changes nothing', () => {
  const bytes = concat(writeOnnx(parseGraph('(x: float32[2]) -> (y)\n y = Relu(x)')));
  const model = readOnnx(bytes);
  expect(concat(writeOnnx(convertOpset(model, 17).model))).toEqual(bytes);
});

test('versions outside the table are refused in words', () => {
  const model = parseGraph('(x: float32[2]) -> (y)\n y = Relu(x)');
  for (const opset of [6, 27, 12.5, Number.NaN]) expect(() => convertOpset(model, opset)).toThrow(/7 to 26/);
  expect(() => convertOpset(parseGraph('<ir: 8, opset: ["": 5]> (x: float32[2]) -> (y)\n y = Relu(x)'), 9)).toThrow(
    /imports opset 5/,
  );
  expect(() => convertOpset(parseGraph('<ir: 8, opset: [my: 1]> (x: float32[2]) -> (y)\n y = my::F(x)'), 9)).toThrow(
    /imports no version/,
  );
});

test('all refusals are listed at once, each with its node', () => {
  const model = parseGraph(`<ir: 8, opset: ["": 17]> (x: float32[2,3], k: int64[1]) -> (y, z)
    y = Trilu@one(x)
    z = Squeeze@two(x, k)`);
  expect(() => convertOpset(model, 11)).toThrow(/2 nodes have no exact form in opset 11[^]*Trilu one[^]*Squeeze two/);
});
