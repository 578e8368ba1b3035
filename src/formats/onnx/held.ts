import type { FieldsOf, MessageName } from './schema.js';

/*
 * The fields of editable messages that the IR has names for. Everything else is preserved.
 */

/** Names of fields of a message, to be looked up. */
const fieldSet = <N extends MessageName>(
  _name: N,
  fields: readonly (keyof FieldsOf<N> & string)[],
): ReadonlySet<string> => new Set(fields);

export const MODEL_HELD = fieldSet('ModelProto', [
  'ir_version',
  'producer_name',
  'producer_version',
  'domain',
  'model_version',
  'doc_string',
  'opset_import',
  'metadata_props',
  'graph',
  'functions',
]);
export const FUNCTION_HELD = fieldSet('FunctionProto', [
  'name',
  'domain',
  'overload',
  'doc_string',
  'metadata_props',
  'attribute',
  'opset_import',
  'input',
  'output',
  'node',
  'attribute_proto',
  'value_info',
]);
export const GRAPH_HELD = fieldSet('GraphProto', [
  'name',
  'doc_string',
  'metadata_props',
  'node',
  'initializer',
  'sparse_initializer',
  'input',
  'output',
  'value_info',
]);
export const NODE_HELD_WITHOUT_TYPE = fieldSet('NodeProto', [
  'name',
  'domain',
  'overload',
  'doc_string',
  'metadata_props',
  'input',
  'output',
  'attribute',
]);
export const NODE_HELD = new Set([...NODE_HELD_WITHOUT_TYPE, 'op_type']);
