import protobuf from 'protobufjs';
import { fromText } from 'protobufjs/ext/textformat.js';

/*
 * The part of Triton's model configuration that cnnx writes: names, numbers and types of fields. Facts: triton-inference-server/common,
 * protobuf/model_config.proto. protobufjs reads the text form by it, so that nothing of ours reads what we wrote.
 */
const PROTO = `
syntax = "proto3";
enum DataType {
  TYPE_INVALID = 0; TYPE_BOOL = 1; TYPE_UINT8 = 2; TYPE_UINT16 = 3; TYPE_UINT32 = 4; TYPE_UINT64 = 5; TYPE_INT8 = 6; TYPE_INT16 = 7;
  TYPE_INT32 = 8; TYPE_INT64 = 9; TYPE_FP16 = 10; TYPE_FP32 = 11; TYPE_FP64 = 12; TYPE_STRING = 13; TYPE_BF16 = 14;
}
message ModelTensorReshape { repeated int64 shape = 1; }
message ModelInput { string name = 1; DataType data_type = 2; repeated int64 dims = 4; ModelTensorReshape reshape = 5; }
message ModelOutput { string name = 1; DataType data_type = 2; repeated int64 dims = 3; string label_filename = 4; ModelTensorReshape reshape = 5; }
message ModelInstanceGroup { enum Kind { KIND_AUTO = 0; KIND_GPU = 1; KIND_CPU = 2; KIND_MODEL = 3; } Kind kind = 4; int32 count = 2; }
message ModelOptimizationPolicy {
  message ExecutionAccelerators {
    message Accelerator { string name = 1; map<string, string> parameters = 2; }
    repeated Accelerator gpu_execution_accelerator = 1;
  }
  ExecutionAccelerators execution_accelerators = 4;
}
message ModelDynamicBatching { repeated int32 preferred_batch_size = 1; uint64 max_queue_delay_microseconds = 2; }
message ModelWarmup {
  message Input { DataType data_type = 1; repeated int64 dims = 2; string input_data_file = 5; }
  string name = 1; uint32 batch_size = 2; map<string, Input> inputs = 3;
}
message ModelConfig {
  string name = 1; string platform = 2; int32 max_batch_size = 4; repeated ModelInput input = 5; repeated ModelOutput output = 6;
  repeated ModelInstanceGroup instance_group = 7; ModelDynamicBatching dynamic_batching = 11; ModelOptimizationPolicy optimization = 12;
  repeated ModelWarmup model_warmup = 16; string backend = 17;
}`;

const type = protobuf.parse(PROTO, { keepCase: true }).root.lookupType('ModelConfig');

/** A configuration as JSON: enumerations by name, 64-bit integers as numbers. Throws for unknown fields and wrong types. */
export const parseConfig = (text: string): Readonly<Record<string, unknown>> =>
  type.toObject(fromText(type, text), { enums: String, longs: Number });
