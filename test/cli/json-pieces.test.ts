import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonPieces } from '../../src/cli/json-pieces.js';

const text = (value: unknown): string => [...jsonPieces(value)].join('');

test('pieces of plain values are the text of JSON.stringify', () => {
  const same = (value: unknown): boolean => text(value) === JSON.stringify(value, undefined, 2);
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), same));
});

test('what is undefined is left out of objects, and null in lists, at every level', () => {
  const inner = { a: undefined, b: [undefined, { c: undefined }] };
  for (const value of [inner, [inner], { x: inner }, [[[inner]]], { x: { y: { z: inner } } }])
    expect(text(value)).toBe(JSON.stringify(value, undefined, 2));
});

test('maps are objects, sets lists, and numbers that JSON does not have texts, at every level', () => {
  const value = new Map<string, unknown>([
    ['big', 2n ** 60n],
    ['small', 3n],
    ['set', new Set([Number.NaN, Number.POSITIVE_INFINITY, 1.5])],
  ]);
  const plain = { big: '1152921504606846976', small: 3, set: ['NaN', 'Infinity', 1.5] };
  expect(JSON.parse(text(value))).toEqual(plain);
  expect(JSON.parse(text([[value]]))).toEqual([[plain]]);
  expect(JSON.parse(text({ a: { b: { c: value } } }))).toEqual({ a: { b: { c: plain } } });
});
