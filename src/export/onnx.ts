import { type Chunk, chunkSize } from '../base/bytes.js';
import { CnnxError } from '../base/errors.js';
import { MAX_PROTOBUF } from '../base/limits.js';
import { checkLocation, externalized, internalized, writeOnnx } from '../formats/onnx/index.js';
import { everyGraph } from '../graph/edit.js';
import type { Model } from '../graph/ir.js';
import { type Tensor, tensorChunk } from '../tensor/tensor.js';

/** Offsets in a side file are multiples of this: a cache line, and the widest vector load. */
const ALIGNMENT = 64;

/** What is smaller stays in the model: shapes, axes and scalars are read by tools that do not open side files. */
const DEFAULT_THRESHOLD = 1024;

export interface SideFile {
  /** The name that the model gives the side file, relative to its own folder. */
  readonly file: string;
  /** Initializers of at least so many bytes go there; 1024 if absent. */
  readonly threshold?: number | undefined;
}

export interface ExportOnnxOptions {
  /**
   * A side file: large initializers of the model and its subgraphs stand there, wherever they stood before. 'inline': all in the model.
   * Absent: each stays where it is.
   */
  readonly externalData?: SideFile | 'inline' | undefined;
  /** A side file that is only used for a model that would be larger than protobuf allows. */
  readonly ifTooLarge?: SideFile | undefined;
  /** Makes every message anew, in canonical form. */
  readonly reencode?: boolean | undefined;
}

export interface ExportedOnnx {
  readonly model: Chunk[];
  /** The contents of the side file, if there is one. */
  readonly external?: Chunk[] | undefined;
}

/**
 * A model as the pieces of an ONNX file, and of a side file for its weights where that is asked for. Nothing is read or made before the
 * pieces are. Throws `onnx/too-large` for a model beyond 2 GiB without a side file, `onnx/external-data` for a side file's name that is no
 * relative path, and where present external data cannot be found.
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

function withSideFile(model: Model, { file, threshold }: SideFile, reencode: boolean | undefined): ExportedOnnx {
  checkLocation(file);
  const placed = new Map<Tensor, Tensor>();
  const external: Chunk[] = [];
  let offset = 0;
  for (const graph of everyGraph(model)) {
    for (const { initializer } of graph.initializers) {
      if (!initializer || initializer.strings || placed.has(initializer)) continue;
      if (initializer.byteLength < (threshold ?? DEFAULT_THRESHOLD)) {
        placed.set(initializer, internalized(initializer));
        continue;
      }
      const padding = (ALIGNMENT - (offset % ALIGNMENT)) % ALIGNMENT;
      if (padding > 0) external.push(new Uint8Array(padding));
      offset += padding;
      external.push(tensorChunk(initializer));
      placed.set(initializer, externalized(initializer, file, offset));
      offset += initializer.byteLength;
    }
  }
  const chunks = writeOnnx(model, { reencode, tensor: (t) => placed.get(t) ?? t });
  const size = sizeOf(chunks);
  if (size > MAX_PROTOBUF) throw tooLarge(size, 'lower the size from which initializers go to the side file');
  return { model: chunks, external };
}

const sizeOf = (chunks: readonly Chunk[]): number => chunks.reduce((n, c) => n + chunkSize(c), 0);

const tooLarge = (size: number, hint: string): CnnxError =>
  new CnnxError('onnx/too-large', `the model takes ${size} bytes; protobuf allows ${MAX_PROTOBUF}`, { hint });
