import { describe, expect, test } from 'vitest';
import { ByteRange } from '../../../src/base/bytes.js';
import { LIMITS } from '../../../src/base/limits.js';
import { PickleInput } from '../../../src/formats/torch/pickle-input.js';
import { readPickle } from '../../../src/formats/torch/pickle.js';
import { GlobalName, Instance, type PickleValue } from '../../../src/formats/torch/values.js';
import { ascii, join, op } from '../../support/torch-file.js';

const read = (bytes: Uint8Array): PickleValue => readPickle(new PickleInput(ByteRange.of(bytes)), (id) => id);
const b = (...parts: (string | number)[]): Uint8Array =>
  join(...parts.map((p) => (typeof p === 'string' ? ascii(p) : Uint8Array.of(p))));

describe('every value, in each of its encodings', () => {
  // The left side is what CPython's pickle.dumps gives for the right one, or pickletools says of the opcode.
  test.each<[string, Uint8Array, unknown]>([
    ['None', b('N.'), null],
    ['True, protocol 0', b('I01\n.'), true],
    ['False, protocol 0', b('I00\n.'), false],
    ['True', b(0x88, '.'), true],
    ['int, text', b('I-5\n.'), -5],
    ['long, text', b('L12345678901234567890L\n.'), 12345678901234567890n],
    ['BININT1', b('K', 255, '.'), 255],
    ['BININT2', b('M', 1, 2, '.'), 513],
    ['BININT', b('J', 0xff, 0xff, 0xff, 0xff, '.'), -1],
    ['LONG1', b(0x8a, 2, 0, 0xff, '.'), -256],
    ['LONG1 of nothing', b(0x8a, 0, '.'), 0],
    ['LONG1, wide', b(0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, '.'), 2n ** 64n],
    ['LONG4', b(0x8b, 1, 0, 0, 0, 7, '.'), 7],
    ['float, text', b('F-1.5e3\n.'), -1500],
    ['BINFLOAT', b('G', 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, '.'), 1.5],
    ['STRING', b("S'a\\n\\x41\\'b'\n."), "a\nA'b"],
    ['BINSTRING', b('T', 2, 0, 0, 0, 'ab.'), 'ab'],
    ['SHORT_BINSTRING', b('U', 2, 'ab.'), 'ab'],
    ['BINUNICODE', b('X', 2, 0, 0, 0, 0xc3, 0xa9, '.'), 'é'],
    ['SHORT_BINUNICODE', b(0x8c, 1, 'x.'), 'x'],
    ['BINUNICODE8', b(0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 'x.'), 'x'],
    ['bytes', b('C', 2, 1, 2, '.'), Uint8Array.of(1, 2)],
    [
      'bytes of protocol 2',
      join(op.call('_codecs', 'encode', op.text('aÿ'), op.text('latin1')), op.stop),
      Uint8Array.of(97, 255),
    ],
    ['BYTEARRAY8', b(0x96, 1, 0, 0, 0, 0, 0, 0, 0, 9, '.'), Uint8Array.of(9)],
    [
      '(), (1,), (1, 2), (1, 2, 3)',
      b('()K', 1, 0x85, 'K', 1, 'K', 2, 0x86, 'K', 1, 'K', 2, 'K', 3, 0x87, 't.'),
      [[], [1], [1, 2], [1, 2, 3]],
    ],
    ['a list, protocol 0', b('(lp0\nI1\naI2\na.'), [1, 2]],
    ['LIST', b('(I1\nI2\nl.'), [1, 2]],
    ['a dict, protocol 0', b("(dp0\nS'a'\nI1\ns."), new Map([['a', 1]])],
    ['DICT', b('(K', 1, 'K', 2, 'd.'), new Map([[1, 2]])],
    ['a set, protocol 4', b(0x8f, '(K', 1, 'K', 2, 0x90, '.'), [1, 2]],
    ['a frozenset, protocol 4', b('(K', 1, 0x91, '.'), [1]],
    ['memo, protocol 4', b(0x80, 4, 0x95, 6, 0, 0, 0, 0, 0, 0, 0, ']', 0x94, '(h', 0, 'e.'), expect.any(Array)],
    ['POP, DUP, POP_MARK', b('K', 1, '2', 'K', 9, '0(K', 7, '1', 0x86, '.'), [1, 1]],
    ['a tuple of protocol 0 with put and get', b('(I7\np3\ng3\nt.'), [7, 7]],
    ['torch.Size', join(op.call('torch', 'Size', op.tuple(op.int(2))), op.stop), [2]],
    [
      'an OrderedDict of pairs',
      join(op.call('collections', 'OrderedDict', op.list(op.list(op.int(1), op.int(2)))), op.stop),
      new Map([[1, 2]]),
    ],
  ])('%s', (_, bytes, expected) => {
    expect(read(bytes)).toEqual(expected);
  });

  test('a name is only a name', () => {
    const found = read(b('cos\nsystem\n.'));
    expect(found).toBeInstanceOf(GlobalName);
    expect(found).toMatchObject({ module: 'os', name: 'system' });
  });

  test.each([
    ['NEWOBJ', join(op.object('a.b', 'C', op.dict([['x', op.int(1)]])), op.stop)],
    ['NEWOBJ_EX without arguments', join(op.global('a.b', 'C'), b(')}', 0x92), op.dict([['x', op.int(1)]]), b('b.'))],
    ['INST', join(b('(ia.b\nC\n'), op.dict([['x', op.int(1)]]), b('b.'))],
    ['OBJ', join(b('('), op.global('a.b', 'C'), b('o'), op.dict([['x', op.int(1)]]), b('b.'))],
    [
      'copyreg',
      join(
        op.call('copy_reg', '_reconstructor', op.global('a.b', 'C'), op.global('__builtin__', 'object'), op.none),
        op.dict([['x', op.int(1)]]),
        b('b.'),
      ),
    ],
    ['slots', join(op.global('a.b', 'C'), b(')', 0x81), op.tuple(op.dict([['x', op.int(1)]]), op.none), b('b.'))],
  ])('an object of an unknown class keeps its state: %s', (_, bytes) => {
    const found = read(bytes);
    expect(found).toBeInstanceOf(Instance);
    expect(found).toMatchObject({ type: { module: 'a.b', name: 'C' }, state: new Map([['x', 1]]) });
  });
});

describe('nothing is called', () => {
  const command = op.text('touch CNNX_PWNED');
  test.each<[string, Uint8Array]>([
    ['REDUCE', op.call('os', 'system', command)],
    ['REDUCE of a built-in', op.call('builtins', 'eval', command)],
    ['REDUCE of getattr', op.call('__builtin__', 'getattr', op.global('os', 'path'), command)],
    [
      'STACK_GLOBAL through a module',
      join(op.text('torch.serialization'), op.text('os.system'), b(0x93), op.tuple(command), b('R')),
    ],
    [
      'a dotted name that spells an allowed one',
      join(op.text('torch'), op.text('_utils._rebuild_parameter'), b(0x93), op.tuple(command), b('R')),
    ],
    ['a module with a longer name than an allowed one', op.call('torch._utils.os', 'system', command)],
    ['INST', join(b('('), command, b('ios\nsystem\n'))],
    ['OBJ', join(b('('), op.global('os', 'system'), command, b('o'))],
    ['NEWOBJ with arguments', join(op.global('subprocess', 'Popen'), op.tuple(command), b(0x81))],
    ['NEWOBJ_EX with keywords', join(op.global('subprocess', 'Popen'), b(')'), op.dict([['args', command]]), b(0x92))],
    ['an extension code', b(0x82, 1)],
    ['a persistent id as text', b('Px\n')],
    [
      'an unapplied function that is applied',
      join(op.call('functools', 'partial', op.global('os', 'system')), op.tuple(command), b('R')),
    ],
    ['the result of a call', join(op.object('a', 'B', op.dict([])), op.tuple(command), b('R'))],
    ['codecs other than latin1', op.call('_codecs', 'encode', op.text('x'), op.text('rot13'))],
    [
      'copyreg on a built-in class',
      op.call('copy_reg', '_reconstructor', op.global('a', 'B'), op.global('__builtin__', 'int'), op.int(1)),
    ],
    [
      'a tensor type that calls',
      op.call('torch._tensor', '_rebuild_from_type_v2', op.global('os', 'system'), op.none, op.tuple(command), op.none),
    ],
  ])('%s', (_, bytes) => {
    expect(() => read(join(bytes, op.stop))).toThrow(expect.objectContaining({ code: 'pickle/refused' }));
  });
});

describe('what does not fit together', () => {
  test.each<[string, Uint8Array, string]>([
    ['nothing', b(), 'pickle/truncated'],
    ['no STOP', b('N'), 'pickle/truncated'],
    ['a string that is cut off', b('X', 9, 0, 0, 0, 'abc'), 'pickle/truncated'],
    ['a string of 4 GB', b('X', 0xff, 0xff, 0xff, 0xff, '.'), 'pickle/truncated'],
    ['a string of 2^60 bytes', b(0x8d, 0, 0, 0, 0, 0, 0, 0, 0x10, '.'), 'pickle/truncated'],
    ['a line without an end', b('I1234'), 'pickle/truncated'],
    ['an unknown instruction', b(0xff, '.'), 'pickle/opcode'],
    ['protocol 6', b(0x80, 6, 'N.'), 'pickle/opcode'],
    ['an empty stack', b('.'), 'pickle/invalid'],
    ['a mark that is not there', b('t.'), 'pickle/invalid'],
    ['a memo that was not set', b('h', 5, '.'), 'pickle/invalid'],
    ['a key without a value', b('}(K', 1, 'u.'), 'pickle/invalid'],
    ['an item for no list', b('K', 1, 'K', 2, 'a.'), 'pickle/invalid'],
    ['an entry for no dictionary', b(']K', 1, 'K', 2, 's.'), 'pickle/invalid'],
    ['a name that is no string', b('K', 1, 'K', 2, 0x93, '.'), 'pickle/invalid'],
    ['arguments that are no tuple', b('ctorch\nSize\nNR.'), 'pickle/invalid'],
    ['a number that is none', b('Iabc\n.'), 'pickle/invalid'],
    ['a string without quotes', b('Sabc\n.'), 'pickle/invalid'],
    ['an integer of 200 bytes', join(b(0x8a, 200), new Uint8Array(200), b('.')), 'pickle/limit'],
    ['marks without end', join(new Uint8Array(LIMITS.pickleDepth + 1).fill(0x28), b('.')), 'pickle/limit'],
  ])('%s', (_, bytes, code) => {
    expect(() => read(bytes)).toThrow(expect.objectContaining({ code }));
  });

  test('the error says at which byte', () => {
    expect(() => read(b('NNN', 0xff, '.'))).toThrow(
      expect.objectContaining({ at: expect.objectContaining({ byte: 3 }) }),
    );
  });
});
