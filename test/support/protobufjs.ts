import protobuf from 'protobufjs';
import { SCHEMA } from '../../src/formats/onnx/schema.js';

/** On the wire an enumeration is an int32. */
const ENUMS = new Set(['AttributeType', 'DataLocation']);

/** The project's schema of ONNX as the text of a .proto file. */
function protoText(): string {
  const lines = ['syntax = "proto2";', 'package onnx;'];
  for (const [name, fields] of Object.entries(SCHEMA)) {
    lines.push(`message ${name} {`);
    for (const [field, text] of Object.entries<string>(fields)) {
      const [kind = '', id = '', ...flags] = text.split(' ');
      const type = ENUMS.has(kind) ? 'int32' : kind.replace('*', '');
      lines.push(
        `${kind.endsWith('*') ? 'repeated' : 'optional'} ${type} ${field} = ${id}${flags.includes('packed') ? ' [packed = true]' : ''};`,
      );
    }
    lines.push('}');
  }
  return lines.join('\n');
}

protobuf.Reader.discardUnknown = false;
const ModelProto = protobuf.parse(protoText(), { keepCase: true }).root.lookupType('onnx.ModelProto');

/**
 * A model's bytes, decoded and encoded again by protobufjs, which shares no code with the project's reader and writer.
 */
export const throughProtobufjs = (bytes: Uint8Array): Uint8Array =>
  ModelProto.encode(ModelProto.decode(bytes)).finish();
