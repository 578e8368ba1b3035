import { type Chunk, chunkSize } from '../base/bytes.js';
import { CnnxError } from '../base/errors.js';
import { MAX_PROTOBUF } from '../base/limits.js';
import { internalized, placeWeights, type SideFile, writeOnnx } from '../formats/onnx/index.js';
import type { Model } from '../graph/ir.js';

/** Where the weights of an exported model go. */
export interface ExportOnnxOptions {
  /**
   * A side file: large initializers of the model and its subgraphs stand there, wherever they stood before. 'inline':
   * all in the model. Absent: each stays where it is.
   */
  readonly externalData?: SideFile | 'inline' | undefined;
  /** A side file that is only used for a model that would be larger than protobuf allows. */
  readonly ifTooLarge?: SideFile | undefined;
  /** Makes every message anew, in canonical form. */
  readonly reencode?: boolean | undefined;
}

/** A model as the pieces of its files. */
export interface ExportedOnnx {
  readonly model: Chunk[];
  /** The contents of the side file, if there is one. */
  readonly external?: Chunk[] | undefined;
}

/**
 * A model as the pieces of an ONNX file, and of a side file for its weights where that is asked for. Nothing is read or
 * made before the pieces are. Throws `onnx/too-large` for a model beyond 2 GiB without a side file,
 * `onnx/external-data` for a side file's name that is no relative path, and where present external data cannot be
 * found.
 */
export function exportOnnx(model: Model, options: ExportOnnxOptions = {}): ExportedOnnx {
  const { externalData, ifTooLarge, reencode } = options;
  if (typeof externalData === 'object') return withSideFile(model, externalData, reencode);
  const chunks = writeOnnx(model, { reencode, tensor: externalData === 'inline' ? internalized : undefined });
  const size = sizeOf(chunks);
  if (size <= MAX_PROTOBUF) return { model: chunks };
  if (ifTooLarge) return withSideFile(model, ifTooLarge, reencode);
  throw tooLarge(size, 'ask for external data');
}

function withSideFile(model: Model, to: SideFile, reencode: boolean | undefined): ExportedOnnx {
  const { tensor, side } = placeWeights(model, to);
  const chunks = writeOnnx(model, { reencode, tensor });
  const size = sizeOf(chunks);
  if (size > MAX_PROTOBUF) throw tooLarge(size, 'lower the size from which initializers go to the side file');
  return { model: chunks, external: side };
}

const sizeOf = (chunks: readonly Chunk[]): number => chunks.reduce((n, c) => n + chunkSize(c), 0);

const tooLarge = (size: number, hint: string): CnnxError =>
  new CnnxError('onnx/too-large', `the model takes ${size} bytes; protobuf allows ${MAX_PROTOBUF}`, { hint });
