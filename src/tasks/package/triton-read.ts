import { CnnxError } from '../../base/errors.js';

/*
 * protobuf's text form, read as far as a model configuration goes: fields by name, messages in braces or angle brackets, lists in brackets,
 * strings, numbers, names, comments. Facts: protobuf.dev, "Text Format Language Specification".
 */

export interface ParsedTensor {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly number[];
  readonly reshape: readonly number[] | undefined;
  readonly labelFile: string;
}

export interface ParsedConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly maxBatch: number;
  readonly inputs: readonly ParsedTensor[];
  readonly outputs: readonly ParsedTensor[];
  readonly dynamicBatching: boolean;
  readonly preferredBatchSizes: readonly number[];
  readonly warmup: readonly {
    readonly input: string;
    readonly type: string;
    readonly dims: readonly number[];
    readonly file: string;
    readonly batchSize: number;
  }[];
}

type Scalar = string | number;
type Message = ReadonlyMap<string, readonly (Scalar | Message)[]>;

/** Throws `serve/package` for text that is no configuration. */
export function readTritonConfig(text: string): ParsedConfig {
  const config = new TextParser(text).parse();
  const tensors = (field: string): readonly ParsedTensor[] =>
    messages(config, field).map((t) => ({
      name: textOf(t, 'name'),
      type: textOf(t, 'data_type'),
      dims: numbers(t, 'dims'),
      reshape: messages(t, 'reshape').map((r) => numbers(r, 'shape'))[0],
      labelFile: textOf(t, 'label_filename'),
    }));
  return {
    name: textOf(config, 'name'),
    platform: textOf(config, 'platform'),
    backend: textOf(config, 'backend'),
    maxBatch: numbers(config, 'max_batch_size')[0] ?? 0,
    inputs: tensors('input'),
    outputs: tensors('output'),
    dynamicBatching: config.has('dynamic_batching'),
    preferredBatchSizes: messages(config, 'dynamic_batching').flatMap((b) => numbers(b, 'preferred_batch_size')),
    warmup: messages(config, 'model_warmup').flatMap((w) =>
      messages(w, 'inputs').flatMap((entry) =>
        messages(entry, 'value').map((value) => ({
          input: textOf(entry, 'key'),
          type: textOf(value, 'data_type'),
          dims: numbers(value, 'dims'),
          file: textOf(value, 'input_data_file'),
          batchSize: numbers(w, 'batch_size')[0] ?? 0,
        })),
      ),
    ),
  };
}

const isMessage = (v: Scalar | Message): v is Message => typeof v === 'object';
const messages = (m: Message, field: string): readonly Message[] => (m.get(field) ?? []).filter(isMessage);
const numbers = (m: Message, field: string): readonly number[] =>
  (m.get(field) ?? []).flatMap((v) => (typeof v === 'number' ? v : []));
const textOf = (m: Message, field: string): string => (m.get(field) ?? []).find((v) => typeof v === 'string') ?? '';

const MAX_DEPTH = 50;
const TOKEN =
  /\s+|#[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([A-Za-z_][\w./]*)|([-+]?(?:\d[\w.+]*|\.\d+))|([{}<>[\]:,;])/gy;

class TextParser {
  readonly #tokens: {
    readonly text: string;
    readonly at: number;
    readonly kind: 'string' | 'name' | 'number' | 'sign';
  }[] = [];
  readonly #text: string;
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    TOKEN.lastIndex = 0;
    for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
      TOKEN.lastIndex = at;
      const m = TOKEN.exec(text);
      if (!m) throw this.#fault(at, `unexpected ${JSON.stringify(text[at])}`);
      const [, string, name, number, sign] = m;
      if (string !== undefined) this.#tokens.push({ text: string, at, kind: 'string' });
      else if (name !== undefined) this.#tokens.push({ text: name, at, kind: 'name' });
      else if (number !== undefined) this.#tokens.push({ text: number, at, kind: 'number' });
      else if (sign !== undefined) this.#tokens.push({ text: sign, at, kind: 'sign' });
    }
  }

  parse(): Message {
    return this.#message(undefined, 0);
  }

  #message(end: string | undefined, depth: number): Message {
    if (depth > MAX_DEPTH) throw this.#fault(0, `messages more than ${MAX_DEPTH} deep`);
    const fields = new Map<string, (Scalar | Message)[]>();
    for (;;) {
      const token = this.#tokens[this.#next];
      if (!token) {
        if (end !== undefined) throw this.#fault(this.#text.length, `${end} is missing at the end`);
        return fields;
      }
      this.#next += 1;
      if (token.text === end) return fields;
      if (token.text === ',' || token.text === ';') continue;
      if (token.kind !== 'name') throw this.#fault(token.at, `a field was expected, not ${token.text}`);
      const values = fields.get(token.text) ?? [];
      values.push(...this.#values(depth));
      fields.set(token.text, values);
    }
  }

  #values(depth: number): (Scalar | Message)[] {
    if (this.#tokens[this.#next]?.text === ':') this.#next += 1;
    if (this.#tokens[this.#next]?.text !== '[') return [this.#value(depth)];
    this.#next += 1;
    const out: (Scalar | Message)[] = [];
    for (;;) {
      const token = this.#tokens[this.#next];
      if (token?.text === ']') {
        this.#next += 1;
        return out;
      }
      if (token?.text === ',') this.#next += 1;
      else out.push(this.#value(depth));
    }
  }

  #value(depth: number): Scalar | Message {
    const token = this.#tokens[this.#next];
    if (!token) throw this.#fault(this.#text.length, 'a value is missing at the end');
    this.#next += 1;
    if (token.text === '{') return this.#message('}', depth + 1);
    if (token.text === '<') return this.#message('>', depth + 1);
    if (token.kind === 'number') return Number(token.text);
    if (token.kind === 'name') return token.text;
    if (token.kind !== 'string') throw this.#fault(token.at, `a value was expected, not ${token.text}`);
    let text = unquoted(token.text);
    // Strings next to each other are one.
    for (let next = this.#tokens[this.#next]; next?.kind === 'string'; next = this.#tokens[this.#next]) {
      text += unquoted(next.text);
      this.#next += 1;
    }
    return text;
  }

  #fault(at: number, message: string): CnnxError {
    const line = this.#text.slice(0, at).split('\n').length;
    return new CnnxError('serve/package', `line ${line} of the configuration: ${message}`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '\\': '\\' };

function unquoted(token: string): string {
  const bytes: number[] = [];
  const inner = token.slice(1, -1);
  const pattern = /\\([0-7]{1,3})|\\x([0-9a-fA-F]{1,2})|\\(.)|([^\\]+)/gs;
  for (const [, octal, hex, escape, plain] of inner.matchAll(pattern)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff);
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else bytes.push(...new TextEncoder().encode(plain ?? ESCAPES[escape ?? ''] ?? escape ?? ''));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
