/** The lowest opset that models are converted from and to: below 7, operators broadcast by rules of their own. */
export const LOWEST_CONVERTED_OPSET = 7;

/** The highest: what the onnxruntime that comes along loads without flags. */
export const HIGHEST_CONVERTED_OPSET = 26;

/** The IR version of the first ONNX release with each opset. Source: ONNX docs/Versioning.md, "Released Versions". */
const IR_VERSIONS: readonly (readonly [opset: number, ir: number])[] = [
  [7, 3],
  [9, 4],
  [10, 5],
  [11, 6],
  [12, 7],
  [15, 8],
  [19, 9],
  [21, 10],
  [23, 11],
  [24, 12],
  [25, 13],
];

/** The IR version that readers of an opset know at least. */
export const irVersionFor = (opset: number): number => IR_VERSIONS.findLast(([first]) => opset >= first)?.[1] ?? 3;
