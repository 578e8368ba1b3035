import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { unquoted } from './literals.js';

const SPACE = /(?:\s|#[^\n]*)*/y;
const NAME = /[A-Za-z0-9_./$+-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;
const NUMBER = /nan\(0x[0-9a-f]+\)|[-+]?[A-Za-z0-9.]+(?:(?<=[eE])[-+]\d+)?/y;
const HEX = /0x([0-9a-f]*)/y;

/** The words and signs of a text, one after the other. Blanks, line ends and `# comments` separate and mean nothing. */
export class Scanner {
  #at = 0;
  /** Where the last thing read begins. */
  #start = 0;

  constructor(private readonly text: string) {}

  get done(): boolean {
    this.#skip();
    return this.#at === this.text.length;
  }

  /** Whether `sign` comes next; it is then read. */
  take(sign: string): boolean {
    if (!this.sees(sign)) return false;
    this.#start = this.#at;
    this.#at += sign.length;
    return true;
  }

  sees(sign: string): boolean {
    this.#skip();
    return this.text.startsWith(sign, this.#at);
  }

  /** Whether a name comes next that is this very word. */
  takeWord(word: string): boolean {
    this.#skip();
    if (this.#peek(NAME) !== word) return false;
    this.#start = this.#at;
    this.#at += word.length;
    return true;
  }

  expect(sign: string): void {
    if (!this.take(sign)) this.fail(`'${sign}' was expected`);
  }

  name(what: string): string {
    return this.nameOrNothing() ?? this.#missing(what);
  }

  /** A name, quoted or bare. Undefined for `_`, and when something else comes, which is then not read. */
  nameOrNothing(): string | undefined {
    this.#skip();
    const bare = this.#read(NAME);
    if (bare !== undefined) return bare === '_' ? undefined : bare;
    const inner = this.#read(QUOTED);
    return inner === undefined ? undefined : unquoted(inner.slice(1, -1));
  }

  /** The raw inside of a string in double quotes, escapes and all. */
  string(): string | undefined {
    this.#skip();
    return this.#read(QUOTED)?.slice(1, -1);
  }

  number(): string {
    this.#skip();
    return this.#read(NUMBER) ?? this.#missing('a number');
  }

  hexBytes(): Uint8Array | undefined {
    this.#skip();
    const digits = this.#read(HEX)?.slice(2);
    if (digits === undefined) return undefined;
    if (digits.length % 2 !== 0) this.failThere('hexadecimal bytes have two digits each');
    return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
      Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
    );
  }

  /** Items between `open` and `close`, separated by commas. */
  list<T>(open: string, close: string, item: () => T): T[] {
    const items: T[] = [];
    this.expect(open);
    if (this.take(close)) return items;
    do items.push(item());
    while (this.take(','));
    if (!this.take(close)) this.fail(`',' or '${close}' was expected`);
    return items;
  }

  /** Throws `graph/syntax` at what comes next. */
  fail(message: string): never {
    this.#skip();
    const rest = this.text.slice(this.#at, this.#at + 20).split('\n')[0] ?? '';
    return this.#fail(this.#at, `${message}; found ${rest === '' ? 'the end' : printable(rest)}`);
  }

  /** Throws `graph/syntax` at what was read last. */
  failThere(message: string): never {
    return this.#fail(this.#start, message);
  }

  #missing(what: string): never {
    return this.fail(`${what} was expected`);
  }

  #fail(at: number, message: string): never {
    const before = this.text.slice(0, at).split('\n');
    throw new CnnxError(
      'graph/syntax',
      `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${message}`,
    );
  }

  #skip(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.text);
    this.#at = SPACE.lastIndex;
  }

  #peek(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.text)?.[0];
  }

  #read(pattern: RegExp): string | undefined {
    const found = this.#peek(pattern);
    if (found === undefined) return undefined;
    this.#start = this.#at;
    this.#at += found.length;
    return found;
  }
}
