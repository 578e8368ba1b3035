import { ACTIVATION_CHANGES } from './activation.js';
import { AXIS_CHANGES } from './axes.js';
import { CONTROL_FLOW_CHANGES, LINEAR_CHANGES } from './control-flow.js';
import { CONVERSION_CHANGES } from './conversion.js';
import { ELEMENTWISE_CHANGES } from './elementwise.js';
import { INDEXING_CHANGES } from './indexing.js';
import { LAYER_CHANGES } from './layer-normalization.js';
import { NORMALIZATION_CHANGES } from './normalization.js';
import { WINDOW_CHANGES } from './pooling.js';
import { QUANTIZATION_CHANGES } from './quantization.js';
import { RESIZE_CHANGES } from './resize.js';
import { SLICING_CHANGES } from './slicing.js';
import { SOFTMAX_CHANGES } from './softmax.js';
import type { OpsetChange } from './step.js';
import { UNDECLARED_CHANGES } from './undeclared.js';

/**
 * How versions changed operators, but for what the declarations in `src/ops` say by themselves: which element types a version takes, which
 * attributes it brought, and what their defaults are. Source: ONNX docs/Changelog.md.
 */
export const OPSET_CHANGES: readonly OpsetChange[] = [
  ...ACTIVATION_CHANGES,
  ...AXIS_CHANGES,
  ...CONTROL_FLOW_CHANGES,
  ...CONVERSION_CHANGES,
  ...ELEMENTWISE_CHANGES,
  ...INDEXING_CHANGES,
  ...LAYER_CHANGES,
  ...LINEAR_CHANGES,
  ...NORMALIZATION_CHANGES,
  ...QUANTIZATION_CHANGES,
  ...RESIZE_CHANGES,
  ...SLICING_CHANGES,
  ...SOFTMAX_CHANGES,
  ...UNDECLARED_CHANGES,
  ...WINDOW_CHANGES,
];
