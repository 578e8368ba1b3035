/** Bounds on what a file may ask for, each with its reason. Sizes in bytes unless it says otherwise. Sorted. */
const values = {
  /** Channels of a value that a merge starts from, which takes numbers for each: a declared shape costs a file nothing. The widest vocabularies have 2^18. */
  channels: 2 ** 20,
  /** A published checkpoint; torchvision's largest have 2.6 GB. */
  download: 8 * 2 ** 30,
  /** Elements that a tensor may repeat out of a smaller storage (stride 0): a real checkpoint has none, and 4 TB of them cost a file nothing. */
  expandedElements: 2 ** 26,
  /** Graphs within graphs. A file's message depth ends them at a third of this. */
  graphDepth: 100,
  /** Messages within messages of an ONNX file. Protobuf's own parsers stop here, so no other tool could read a deeper model. */
  messageDepth: 100,
  /** Modules within modules, dictionaries within dictionaries. The deepest published networks have about a dozen. */
  moduleDepth: 100,
  /** Modules of one pickled network, counted where they are reached: a small file can share one module exponentially often. */
  modules: 200_000,
  /** A pickle without its tensor data. The state dict of a network with 100 000 tensors takes about 20 MB. */
  pickle: 128 * 2 ** 20,
  /** Containers open at once within a pickle. */
  pickleDepth: 1_000,
  /** Problems that the checker lists; more are only counted. Nobody reads the hundredth. */
  problems: 100,
  /** The JSON header of a safetensors file; the reference reader has the same limit. */
  safetensorsHeader: 100_000_000,
  /** Elements of one tensor: 32 TiB of float32. Far beyond, products of dimensions are no longer exact. */
  tensorElements: 2 ** 43,
  /** Dimensions of one tensor; PyTorch has at most 64. */
  tensorRank: 64,
  /** One name or text of an ONNX file. JavaScript strings end at 2^29 characters. */
  text: 2 ** 28,
  /** The directory of a zip archive: a million entries take about 80 MB. */
  zipDirectory: 128 * 2 ** 20,
  /** Entries of a zip archive: one for each storage. */
  zipEntries: 1_000_000,
};

/** The same names with other values: what an option may change. */
export type Limits = Readonly<typeof values>;

/** The limits that hold in this process. */
export const LIMITS: Limits = values;

/** Changes limits of this process, which is what they protect. For files of one's own that are larger or deeper than any that were thought of. */
export function adjustLimits(changes: Partial<Limits>): void {
  Object.assign(values, changes);
}

/** A protobuf file: sizes in it are 32-bit signed integers. */
export const MAX_PROTOBUF = 2 ** 31 - 1;

/** How much is read at a time where data only passes through. */
export const READ_AHEAD = 2 ** 20;
