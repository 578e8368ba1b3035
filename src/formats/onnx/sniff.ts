import type { ByteSource } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';

/** What a file that is no model looks like, and what to do about it. */
interface Look {
  readonly what: string;
  readonly hint?: string | undefined;
  fits(head: Uint8Array, text: string): boolean;
}

const startsWith =
  (...bytes: number[]) =>
  (head: Uint8Array): boolean =>
    bytes.every((b, i) => head[i] === b);

/** Bytes that are looked at. */
const HEAD = 512;

const FETCH_AGAIN = 'fetch the file again, and look at what the server answered';

/** The first that fits is named. */
const LOOKS: readonly Look[] = [
  { what: 'an empty file', hint: 'an ONNX model was expected', fits: (head) => head.length === 0 },
  {
    what: 'a Git LFS pointer, not the file that it stands for',
    hint: "run 'git lfs pull' where the file came from",
    fits: (_head, text) => text.startsWith('version https://git-lfs'),
  },
  {
    what: 'a zip archive, as PyTorch, Keras and NumPy (.npz) files are',
    hint: 'export the model to ONNX first, or give its weights to --weights',
    fits: startsWith(0x50, 0x4b, 0x03, 0x04),
  },
  { what: 'gzip-compressed data', hint: 'unpack it first (gunzip)', fits: startsWith(0x1f, 0x8b) },
  { what: 'zstd-compressed data', hint: 'unpack it first (unzstd)', fits: startsWith(0x28, 0xb5, 0x2f, 0xfd) },
  { what: 'xz-compressed data', hint: 'unpack it first (unxz)', fits: startsWith(0xfd, 0x37, 0x7a, 0x58, 0x5a) },
  {
    what: 'a file that begins with a UTF-8 byte order mark',
    hint: 'a program treated the model as text and damaged it: fetch it again',
    fits: startsWith(0xef, 0xbb, 0xbf),
  },
  { what: 'a UTF-16 text', fits: (head) => startsWith(0xff, 0xfe)(head) && !startsWith(0xff, 0xfe, 0xff)(head) },
  {
    what: 'an HDF5 file, as Keras writes them',
    hint: 'export the model to ONNX first',
    fits: startsWith(0x89, 0x48, 0x44, 0x46),
  },
  { what: 'a NumPy array (.npy)', fits: startsWith(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59) },
  { what: 'a GGUF file', fits: startsWith(0x47, 0x47, 0x55, 0x46) },
  {
    what: 'a TensorFlow Lite model',
    hint: 'convert it to ONNX first',
    fits: (_head, text) => text.slice(4, 8) === 'TFL3',
  },
  {
    what: 'a safetensors file',
    hint: 'it holds weights only: give it to --weights',
    fits: (head, text) => head[8] === 0x7b && text.charCodeAt(9) === 0x22 && head.subarray(5, 8).every((b) => b === 0),
  },
  {
    what: 'a Python pickle, as older PyTorch files are',
    hint: 'it holds weights only: give it to --weights',
    fits: (head) => head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5,
  },
  { what: 'a PNG image', fits: startsWith(0x89, 0x50, 0x4e, 0x47) },
  { what: 'a JPEG image', fits: startsWith(0xff, 0xd8, 0xff) },
  { what: 'a PDF', fits: (_head, text) => text.startsWith('%PDF') },
  {
    what: 'an HTML page, as failed downloads leave them',
    hint: FETCH_AGAIN,
    fits: (_head, text) => /^\s*<(!doctype|html|head|body)/i.test(text),
  },
  { what: 'an XML text', hint: FETCH_AGAIN, fits: (_head, text) => /^\s*<(\?xml|[a-zA-Z])/.test(text) },
  { what: 'a JSON text', hint: FETCH_AGAIN, fits: (head, text) => isText(head) && /^\s*[[{]/.test(text) },
  { what: 'a text', hint: FETCH_AGAIN, fits: (head) => isText(head) },
  {
    what: 'nothing but zeros',
    hint: 'the download was cut off: fetch it again',
    fits: (head) => head.every((b) => b === 0),
  },
];

const isText = (head: Uint8Array): boolean =>
  head.every((b) => b === 9 || b === 10 || b === 12 || b === 13 || (b >= 32 && b !== 127));

/**
 * What a file that is not an ONNX model looks like, judged by its first bytes; undefined when that is not clear. Never
 * throws.
 */
export function sniff(head: Uint8Array): { readonly what: string; readonly hint: string | undefined } | undefined {
  const start = head.subarray(0, HEAD);
  const text = String.fromCharCode(...start);
  const look = LOOKS.find((l) => l.fits(start, text));
  return look && { what: look.what, hint: look.hint };
}

/** The error for a source that does not parse as a model, when it looks like something else. */
export function notAModel(source: ByteSource): CnnxError | undefined {
  const look = sniff(source.read(0, Math.min(HEAD, source.size)));
  const message = (what: string): string => `this is not an ONNX model, but ${what}`;
  return look && new CnnxError('onnx/not-a-model', message(look.what), { hint: look.hint, at: { byte: 0 } });
}
