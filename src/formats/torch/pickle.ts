import { CnnxError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { decodeName } from '../../base/text.js';
import { construct, globalName, instantiate, refused } from './globals.js';
import type { PickleInput } from './pickle-input.js';
import { longOf, numberOf, textInteger, unquote } from './pickle-text.js';
import { describeValue, type Dict, GlobalName, Instance, type PickleValue } from './values.js';

/** What a persistent id stands for: a storage, or a class. */
export type PersistentLoad = (id: PickleValue) => PickleValue;

/**
 * Reads one pickle, protocols 0 to 5, from where the input stands to its STOP. A stack machine that makes tensors,
 * containers and names; where a pickle would call something, `globals.ts` has the list of what is built instead. Throws
 * `pickle/...`. Opcodes: CPython, Lib/pickletools.py.
 */
export function readPickle(input: PickleInput, persistent: PersistentLoad): PickleValue {
  const machine = new Machine(input, persistent);
  for (;;) {
    const at = input.position;
    const opcode = input.uint8();
    if (opcode === STOP) return machine.pop();
    const step = STEPS.get(opcode);
    try {
      if (!step)
        throw new CnnxError('pickle/opcode', `no pickle has an instruction 0x${opcode.toString(16).padStart(2, '0')}`);
      step(machine, input);
    } catch (e) {
      throw e instanceof CnnxError ? e.within({ byte: at }) : e;
    }
  }
}

class Machine {
  private stack: PickleValue[] = [];
  /** The stacks below the open marks. */
  private readonly below: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(
    private readonly input: PickleInput,
    readonly persistent: PersistentLoad,
  ) {}

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) throw invalid('an instruction needs a value and the stack is empty', this.input.position);
    return value;
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    if (this.below.length >= LIMITS.pickleDepth) {
      throw new CnnxError('pickle/limit', `containers are nested more than ${LIMITS.pickleDepth} deep`);
    }
    this.below.push(this.stack);
    this.stack = [];
  }

  /** Everything above the last mark. */
  popMark(): PickleValue[] {
    const above = this.stack;
    const below = this.below.pop();
    if (!below) throw invalid('an instruction needs a mark and there is none', this.input.position);
    this.stack = below;
    return above;
  }

  /** POP takes a mark away as well. */
  drop(): void {
    if (this.stack.length === 0 && this.below.length > 0) this.popMark();
    else this.pop();
  }

  put(key: number): void {
    this.memo.set(key, this.top());
  }

  memoize(): void {
    this.put(this.memo.size);
  }

  get(key: number): void {
    const value = this.memo.get(key);
    if (value === undefined) throw invalid(`memo ${key} is used before it is set`, this.input.position);
    this.push(value);
  }

  name(module: PickleValue, name: PickleValue): GlobalName {
    if (typeof module === 'string' && typeof name === 'string') return globalName(module, name);
    throw invalid('the name of a class is not a string', this.input.position);
  }
}

type Step = (machine: Machine, input: PickleInput) => void;

const STOP = 0x2e;

/** By the character that CPython's `pickle.py` writes, or the number where it is not one. Sorted by number. */
const STEPS: ReadonlyMap<number, Step> = new Map<number, Step>(
  (
    [
      ['(', (m) => m.mark()],
      [')', (m) => m.push([])],
      ['0', (m) => m.drop()],
      ['1', (m) => void m.popMark()],
      ['2', (m) => m.push(m.top())],
      ['B', (m, i) => m.push(i.take(i.uint32()).slice())],
      ['C', (m, i) => m.push(i.take(i.uint8()).slice())],
      ['F', (m, i) => m.push(numberOf(i.line()))],
      ['G', (m, i) => m.push(i.float64())],
      ['I', (m, i) => m.push(textInteger(i.line()))],
      ['J', (m, i) => m.push(i.int32())],
      ['K', (m, i) => m.push(i.uint8())],
      ['L', (m, i) => m.push(textInteger(i.line().replace(/L$/, '')))],
      ['M', (m, i) => m.push(i.uint16())],
      ['N', (m) => m.push(null)],
      ['P', (_, i) => refuse(`persistent id ${i.line()}`, 'looked up')],
      ['Q', (m) => m.push(m.persistent(m.pop()))],
      ['R', (m) => apply(m, construct)],
      ['S', (m, i) => m.push(unquote(i.line()))],
      ['T', (m, i) => m.push(decodeName(i.take(i.uint32())))],
      ['U', (m, i) => m.push(decodeName(i.take(i.uint8())))],
      ['V', (m, i) => m.push(i.line())],
      ['X', (m, i) => m.push(decodeName(i.take(i.uint32())))],
      [']', (m) => m.push([])],
      ['a', (m) => append(m, [m.pop()])],
      ['b', build],
      ['c', (m, i) => m.push(m.name(i.line(), i.line()))],
      ['d', (m) => m.push(setItems(new Map(), m.popMark()))],
      ['e', (m) => append(m, m.popMark())],
      ['g', (m, i) => m.get(memoKey(i.line()))],
      ['h', (m, i) => m.get(i.uint8())],
      ['i', instance],
      ['j', (m, i) => m.get(i.uint32())],
      ['l', (m) => m.push(m.popMark())],
      ['o', object],
      ['p', (m, i) => m.put(memoKey(i.line()))],
      ['q', (m, i) => m.put(i.uint8())],
      ['r', (m, i) => m.put(i.uint32())],
      ['s', setItem],
      ['t', (m) => m.push(m.popMark())],
      ['u', (m) => setOnTop(m, m.popMark())],
      ['}', (m) => m.push(new Map())],
      [0x80, protocol],
      [0x81, (m) => apply(m, instantiate)],
      [0x82, extension],
      [0x83, extension],
      [0x84, extension],
      [0x85, (m) => tuple(m, 1)],
      [0x86, (m) => tuple(m, 2)],
      [0x87, (m) => tuple(m, 3)],
      [0x88, (m) => m.push(true)],
      [0x89, (m) => m.push(false)],
      [0x8a, (m, i) => m.push(longOf(i.take(i.uint8())))],
      [0x8b, (m, i) => m.push(longOf(i.take(i.uint32())))],
      [0x8c, (m, i) => m.push(decodeName(i.take(i.uint8())))],
      [0x8d, (m, i) => m.push(decodeName(i.take(i.uint64())))],
      [0x8e, (m, i) => m.push(i.take(i.uint64()).slice())],
      [0x8f, (m) => m.push([])],
      [0x90, (m) => append(m, m.popMark())],
      [0x91, (m) => m.push(m.popMark())],
      [0x92, newWithKeywords],
      [0x93, stackGlobal],
      [0x94, (m) => m.memoize()],
      // FRAME: a hint for readers that buffer.
      [0x95, (_, i) => void i.take(8)],
      [0x96, (m, i) => m.push(i.take(i.uint64()).slice())],
    ] as const satisfies readonly (readonly [string | number, Step])[]
  ).map(([code, step]) => [typeof code === 'string' ? code.charCodeAt(0) : code, step]),
);

function protocol(_: Machine, input: PickleInput): void {
  const version = input.uint8();
  if (version > 5) throw new CnnxError('pickle/opcode', `the pickle has protocol ${version}; 0 to 5 are known`);
}

/** REDUCE and NEWOBJ: a callable below a tuple of arguments. */
function apply(m: Machine, make: (callee: PickleValue, args: PickleValue) => PickleValue): void {
  const args = m.pop();
  m.push(make(m.pop(), args));
}

/** INST: the class by name, its arguments above the mark. */
function instance(m: Machine, input: PickleInput): void {
  const type = m.name(input.line(), input.line());
  m.push(instantiate(type, m.popMark()));
}

/** OBJ: the class and its arguments above the mark. */
function object(m: Machine): void {
  const [type, ...args] = m.popMark();
  m.push(instantiate(type ?? null, args));
}

function newWithKeywords(m: Machine): void {
  const keywords = m.pop();
  const args = m.pop();
  const type = m.pop();
  if (!(keywords instanceof Map) || keywords.size > 0)
    throw refused(describeValue(type), 'called with keyword arguments');
  m.push(instantiate(type, args));
}

function stackGlobal(m: Machine): void {
  const name = m.pop();
  m.push(m.name(m.pop(), name));
}

/**
 * BUILD: state for the object below. That of a dictionary (`_metadata` of a state dict) or of a tensor changes no
 * value.
 */
function build(m: Machine): void {
  const state = m.pop();
  const target = m.top();
  if (!(target instanceof Instance)) return;
  // (dictionary, slots): what objects with __slots__ have.
  target.state = Array.isArray(state) && state.length === 2 && state[0] instanceof Map ? state[0] : state;
}

function append(m: Machine, items: readonly PickleValue[]): void {
  const target = m.top();
  const list = target instanceof Instance ? target.list : target;
  if (!Array.isArray(list)) throw new CnnxError('pickle/invalid', 'items are appended to something that is not a list');
  for (const item of items) list.push(item);
}

function setItem(m: Machine): void {
  const value = m.pop();
  setOnTop(m, [m.pop(), value]);
}

function setOnTop(m: Machine, items: readonly PickleValue[]): void {
  const target = m.top();
  const dict = target instanceof Instance ? target.items : target;
  if (!(dict instanceof Map))
    throw new CnnxError('pickle/invalid', 'entries are set on something that is not a dictionary');
  setItems(dict, items);
}

function setItems(dict: Dict, items: readonly PickleValue[]): Dict {
  if (items.length % 2 !== 0) throw new CnnxError('pickle/invalid', 'a dictionary has a key without a value');
  for (let k = 0; k < items.length; k += 2) dict.set(items[k] ?? null, items[k + 1] ?? null);
  return dict;
}

function tuple(m: Machine, size: number): void {
  const items = Array.from({ length: size }, () => m.pop());
  m.push(items.reverse());
}

function extension(): never {
  return refuse('a class from the extension registry', 'looked up');
}

function refuse(name: string, what: string): never {
  throw refused(name, what);
}

function memoKey(text: string): number {
  const key = textInteger(text);
  if (typeof key !== 'number' || key < 0) throw new CnnxError('pickle/invalid', 'a memo key is not a whole number');
  return key;
}

const invalid = (message: string, byte: number): CnnxError =>
  new CnnxError('pickle/invalid', message, { at: { byte } });
