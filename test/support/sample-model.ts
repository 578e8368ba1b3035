import { onnx } from 'onnx-proto';

const { AttributeType } = onnx.AttributeProto;
const { DataType } = onnx.TensorProto;

const info = (name: string, shape: readonly (number | string)[], elemType = 1): onnx.IValueInfoProto => ({
  name,
  docString: `what ${name} is`,
  type: {
    denotation: 'TENSOR',
    tensorType: {
      elemType,
      shape: {
        dim: shape.map((d) => ({ ...(typeof d === 'number' ? { dimValue: d } : { dimParam: d }), denotation: 'SIZE' })),
      },
    },
  },
});

const tensor = (name: string, dims: readonly number[], fields: onnx.ITensorProto): onnx.ITensorProto => ({
  name,
  dims: [...dims],
  docString: 'a tensor',
  ...fields,
});

const floats = (name: string, values: readonly number[]): onnx.ITensorProto =>
  tensor(name, [values.length], { dataType: DataType.FLOAT, floatData: [...values] });

const branch = (name: string, op: string): onnx.IGraphProto => ({
  name,
  // `shared` is captured from around the graph, `bias` shadows the initializer of that name there.
  node: [{ opType: op, input: ['shared', 'bias'], output: [`${name}_out`], name: `${name}_node` }],
  initializer: [floats('bias', [1, 2, 3])],
  output: [info(`${name}_out`, ['n', 3])],
});

const everyAttribute: onnx.IAttributeProto[] = [
  { name: 'f', type: AttributeType.FLOAT, f: 0.1 },
  { name: 'i', type: AttributeType.INT, i: -5, docString: 'minus five' },
  { name: 's', type: AttributeType.STRING, s: Uint8Array.of(0xff, 0, 0x61) },
  { name: 't', type: AttributeType.TENSOR, t: floats('', [0.5]) },
  { name: 'floats', type: AttributeType.FLOATS, floats: [1.5, -0, 3] },
  { name: 'ints', type: AttributeType.INTS, ints: [1, -1, 300] },
  { name: 'strings', type: AttributeType.STRINGS, strings: [Uint8Array.of(1), new Uint8Array(0)] },
  { name: 'tensors', type: AttributeType.TENSORS, tensors: [floats('one', [1]), floats('two', [2, 3])] },
  { name: 'graphs', type: AttributeType.GRAPHS, graphs: [branch('g0', 'Add'), branch('g1', 'Sub')] },
  {
    name: 'sparse',
    type: AttributeType.SPARSE_TENSOR,
    sparseTensor: {
      values: floats('v', [7]),
      indices: tensor('k', [1], { dataType: DataType.INT64, int64Data: [2] }),
      dims: [4],
    },
  },
  { name: 'type', type: AttributeType.TYPE_PROTO, tp: { sequenceType: { elemType: { tensorType: { elemType: 7 } } } } },
  { name: 'types', type: AttributeType.TYPE_PROTOS, typeProtos: [{ mapType: { keyType: 8, valueType: {} } }] },
  { name: 'no kind' },
];

/** A model, made by onnx-proto, with every kind of attribute, storage of tensors, type and list that it knows. */
export function sampleModel(): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: 8,
    producerName: 'sample',
    producerVersion: '',
    domain: 'test.sample',
    modelVersion: 3,
    docString: 'everything at once',
    opsetImport: [{ version: 17 }, { domain: 'my.ops', version: 2 }],
    metadataProps: [{ key: 'author', value: 'nobody' }, { key: 'empty' }],
    graph: {
      name: 'main',
      docString: 'the graph',
      node: [
        { opType: 'Relu', input: ['x'], output: ['shared'], name: 'relu' },
        {
          opType: 'If',
          input: ['choice'],
          output: ['y'],
          attribute: [
            { name: 'then_branch', type: AttributeType.GRAPH, g: branch('then', 'Add') },
            { name: 'else_branch', type: AttributeType.GRAPH, g: branch('else', 'Mul') },
          ],
        },
        { opType: 'Everything', domain: 'my.ops', input: ['', 'y'], output: ['z', ''], attribute: everyAttribute },
        { opType: 'Clip', input: ['z', '', 'limit'], output: ['w'], docString: 'upper limit only' },
      ],
      initializer: [
        floats('bias', [4, 5, 6]),
        tensor('limit', [], { dataType: DataType.FLOAT, rawData: Uint8Array.of(0, 0, 0x80, 0x3f) }),
        tensor('longs', [3], { dataType: DataType.INT64, int64Data: [1, -2, 300] }),
        tensor('halves', [2], { dataType: DataType.FLOAT16, int32Data: [0x3c00, 0xc000] }),
        tensor('bytes', [3], { dataType: DataType.INT8, int32Data: [-1, 0, 127] }),
        tensor('doubles', [2], { dataType: DataType.DOUBLE, doubleData: [0.1, -1e300] }),
        tensor('unsigned', [2], { dataType: DataType.UINT64, uint64Data: [1, 2 ** 40] }),
        tensor('words', [2], { dataType: DataType.STRING, stringData: [Uint8Array.of(0x61), new Uint8Array(0)] }),
        tensor('complex', [1], { dataType: DataType.COMPLEX64, floatData: [1, -1] }),
        tensor('large', [500], { dataType: DataType.FLOAT, rawData: new Uint8Array(2000).fill(7) }),
      ],
      sparseInitializer: [
        { values: floats('sparse', [1]), indices: tensor('at', [1], { dataType: 7, int64Data: [1] }), dims: [3] },
      ],
      input: [info('x', ['n', 3]), info('choice', [], DataType.BOOL), info('bias', [3])],
      output: [info('w', ['n', 3]), { name: 'y' }],
      valueInfo: [info('shared', ['n', 3]), { name: 'z', type: {} }],
      quantizationAnnotation: [
        { tensorName: 'shared', quantParameterTensorNames: [{ key: 'SCALE_TENSOR', value: 'limit' }] },
      ],
    },
    trainingInfo: [{ algorithm: branch('step', 'Sub'), updateBinding: [{ key: 'a', value: 'b' }] }],
    functions: [
      {
        name: 'Everything',
        domain: 'my.ops',
        input: ['a', 'b'],
        output: ['c'],
        attribute: ['f'],
        node: [
          {
            opType: 'Constant',
            output: ['k'],
            attribute: [{ name: 'value_float', refAttrName: 'f', type: AttributeType.FLOAT }],
          },
          { opType: 'Add', input: ['b', 'k'], output: ['c'] },
        ],
        opsetImport: [{ version: 17 }],
        docString: 'a function',
      },
    ],
  }).finish();
}
