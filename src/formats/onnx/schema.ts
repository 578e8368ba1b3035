/*
 * Every message of ONNX up to IR version 14: onnx.proto of onnx 1.23, in its proto2 form (presence is explicit). One
 * line a field: `kind number`, `*` for repeated, `packed` where the .proto says so, `oneof` for the members of a
 * message's only oneof.
 */
export const SCHEMA = {
  ModelProto: {
    ir_version: 'int64 1',
    producer_name: 'string 2',
    producer_version: 'string 3',
    domain: 'string 4',
    model_version: 'int64 5',
    doc_string: 'string 6',
    graph: 'GraphProto 7',
    opset_import: 'OperatorSetIdProto* 8',
    metadata_props: 'StringStringEntryProto* 14',
    training_info: 'TrainingInfoProto* 20',
    functions: 'FunctionProto* 25',
    configuration: 'DeviceConfigurationProto* 26',
  },
  OperatorSetIdProto: { domain: 'string 1', version: 'int64 2' },
  StringStringEntryProto: { key: 'string 1', value: 'string 2' },
  TrainingInfoProto: {
    initialization: 'GraphProto 1',
    algorithm: 'GraphProto 2',
    initialization_binding: 'StringStringEntryProto* 3',
    update_binding: 'StringStringEntryProto* 4',
  },
  DeviceConfigurationProto: { name: 'string 1', num_devices: 'int32 2', device: 'string* 3' },
  FunctionProto: {
    name: 'string 1',
    input: 'string* 4',
    output: 'string* 5',
    attribute: 'string* 6',
    node: 'NodeProto* 7',
    doc_string: 'string 8',
    opset_import: 'OperatorSetIdProto* 9',
    domain: 'string 10',
    attribute_proto: 'AttributeProto* 11',
    value_info: 'ValueInfoProto* 12',
    overload: 'string 13',
    metadata_props: 'StringStringEntryProto* 14',
  },
  GraphProto: {
    node: 'NodeProto* 1',
    name: 'string 2',
    initializer: 'TensorProto* 5',
    doc_string: 'string 10',
    input: 'ValueInfoProto* 11',
    output: 'ValueInfoProto* 12',
    value_info: 'ValueInfoProto* 13',
    quantization_annotation: 'TensorAnnotation* 14',
    sparse_initializer: 'SparseTensorProto* 15',
    metadata_props: 'StringStringEntryProto* 16',
  },
  TensorAnnotation: { tensor_name: 'string 1', quant_parameter_tensor_names: 'StringStringEntryProto* 2' },
  NodeProto: {
    input: 'string* 1',
    output: 'string* 2',
    name: 'string 3',
    op_type: 'string 4',
    attribute: 'AttributeProto* 5',
    doc_string: 'string 6',
    domain: 'string 7',
    overload: 'string 8',
    metadata_props: 'StringStringEntryProto* 9',
    device_configurations: 'NodeDeviceConfigurationProto* 10',
  },
  NodeDeviceConfigurationProto: {
    configuration_id: 'string 1',
    sharding_spec: 'ShardingSpecProto* 2',
    pipeline_stage: 'int32 3',
  },
  ShardingSpecProto: {
    tensor_name: 'string 1',
    device: 'int64* 2',
    index_to_device_group_map: 'IntIntListEntryProto* 3',
    sharded_dim: 'ShardedDimProto* 4',
  },
  IntIntListEntryProto: { key: 'int64 1', value: 'int64* 2' },
  ShardedDimProto: { axis: 'int64 1', simple_sharding: 'SimpleShardedDimProto* 2' },
  SimpleShardedDimProto: { dim_value: 'int64 1 oneof', dim_param: 'string 2 oneof', num_shards: 'int64 3' },
  AttributeProto: {
    name: 'string 1',
    f: 'float 2',
    i: 'int64 3',
    s: 'bytes 4',
    t: 'TensorProto 5',
    g: 'GraphProto 6',
    floats: 'float* 7',
    ints: 'int64* 8',
    strings: 'bytes* 9',
    tensors: 'TensorProto* 10',
    graphs: 'GraphProto* 11',
    doc_string: 'string 13',
    tp: 'TypeProto 14',
    type_protos: 'TypeProto* 15',
    type: 'AttributeType 20',
    ref_attr_name: 'string 21',
    sparse_tensor: 'SparseTensorProto 22',
    sparse_tensors: 'SparseTensorProto* 23',
  },
  ValueInfoProto: {
    name: 'string 1',
    type: 'TypeProto 2',
    doc_string: 'string 3',
    metadata_props: 'StringStringEntryProto* 4',
  },
  TypeProto: {
    tensor_type: 'TypeTensor 1 oneof',
    sequence_type: 'TypeElement 4 oneof',
    map_type: 'TypeMap 5 oneof',
    denotation: 'string 6',
    opaque_type: 'TypeOpaque 7 oneof',
    sparse_tensor_type: 'TypeTensor 8 oneof',
    optional_type: 'TypeElement 9 oneof',
  },
  TypeTensor: { elem_type: 'int32 1', shape: 'TensorShapeProto 2' },
  TypeElement: { elem_type: 'TypeProto 1' },
  TypeMap: { key_type: 'int32 1', value_type: 'TypeProto 2' },
  TypeOpaque: { domain: 'string 1', name: 'string 2' },
  TensorShapeProto: { dim: 'Dimension* 1' },
  Dimension: { dim_value: 'int64 1 oneof', dim_param: 'string 2 oneof', denotation: 'string 3' },
  TensorProto: {
    dims: 'int64* 1',
    data_type: 'int32 2',
    segment: 'Segment 3',
    float_data: 'float* 4 packed',
    int32_data: 'int32* 5 packed',
    string_data: 'bytes* 6',
    int64_data: 'int64* 7 packed',
    name: 'string 8',
    raw_data: 'bytes 9',
    double_data: 'double* 10 packed',
    uint64_data: 'uint64* 11 packed',
    doc_string: 'string 12',
    external_data: 'StringStringEntryProto* 13',
    data_location: 'DataLocation 14',
    metadata_props: 'StringStringEntryProto* 16',
  },
  Segment: { begin: 'int64 1', end: 'int64 2' },
  SparseTensorProto: { values: 'TensorProto 1', indices: 'TensorProto 2', dims: 'int64* 3' },
} as const satisfies Record<string, Record<string, string>>;

type Schema = typeof SCHEMA;
export type MessageName = keyof Schema;
export type NumberKind = 'int32' | 'int64' | 'uint64' | 'float' | 'double';

/**
 * Enumerations are closed in proto2: a number that is not listed counts as an unknown field. The value is the largest.
 */
const ENUMS = { AttributeType: 14, DataLocation: 1 } as const;
type EnumName = keyof typeof ENUMS;

/** Codes of AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparse_tensor: 11,
  sparse_tensors: 12,
  type: 13,
  types: 14,
} as const;

export const DATA_LOCATION_EXTERNAL = 1;

export interface Field {
  readonly name: string;
  readonly number: number;
  readonly kind: NumberKind | 'string' | 'bytes' | 'enum' | 'message';
  /** The message type of a message field. */
  readonly message: MessageType | undefined;
  /** The largest value of an enumeration. */
  readonly max: number;
  readonly repeated: boolean;
  readonly packed: boolean;
  readonly oneof: boolean;
}

export interface MessageType {
  readonly name: MessageName;
  /** In order of their numbers: the order in which the official serializer writes. */
  readonly fields: readonly Field[];
  readonly byNumber: readonly (Field | undefined)[];
}

const types = new Map<string, { name: MessageName; fields: Field[]; byNumber: (Field | undefined)[] }>();
for (const name of Object.keys(SCHEMA)) types.set(name, { name: name as MessageName, fields: [], byNumber: [] });
for (const [name, type] of types) {
  for (const [field, text] of Object.entries<string>(SCHEMA[name as MessageName]))
    type.fields.push(parseField(field, text));
  type.fields.sort((a, b) => a.number - b.number);
  for (const field of type.fields) type.byNumber[field.number] = field;
}

function parseField(name: string, text: string): Field {
  const [kindText = '', number = '', flag = ''] = text.split(' ');
  const kind = kindText.replace('*', '');
  const message = types.get(kind);
  const max = Object.hasOwn(ENUMS, kind) ? ENUMS[kind as EnumName] : undefined;
  return {
    name,
    number: Number(number),
    kind: message ? 'message' : max === undefined ? (kind as NumberKind) : 'enum',
    message,
    max: max ?? 0,
    repeated: kindText.endsWith('*'),
    packed: flag === 'packed',
    oneof: flag === 'oneof',
  };
}

export function messageType(name: MessageName): MessageType {
  const type = types.get(name);
  if (!type) throw new Error(`bug: no message ${name}`);
  return type;
}

/** The field of a declaration's text, as the type of what a decoded message holds for it. */
export type Kind<T> = T extends `${infer K} ${number} ${string}` ? K : T extends `${infer K} ${number}` ? K : never;
export type FieldsOf<N extends MessageName> = Schema[N];
export type IsEnum<K> = K extends EnumName ? true : false;
