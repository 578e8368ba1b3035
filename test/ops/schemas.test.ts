import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AnyOpDef, AttrSpecs } from '../../src/graph/op-def.js';
import { OPS as ALL, registry, typesAt } from '../../src/ops/index.js';

/* Every declaration against ONNX's own operator schemas: versions, arity, element types, attributes and their defaults. */

type AttrRow = readonly [kind: string, required: boolean, fallback?: unknown];
interface Schema {
  /** Index into `sets`, with '?' optional, '*' variadic. */
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly attrs: Readonly<Record<string, AttrRow>>;
}
/** Those of onnxruntime itself, `test/ops/onnxruntime.test.ts` holds against onnxruntime. */
const OPS = ALL.filter((op) => op.domain === '');

interface Schemas {
  readonly sets: readonly (readonly string[])[];
  /** By name, by the version that brought it; null: deprecated from there on. */
  readonly ops: Readonly<Record<string, Readonly<Record<string, Schema | null>>>>;
}

const schemas = JSON.parse(readFileSync(new URL('../fixtures/onnx-schemas.json', import.meta.url), 'utf8')) as Schemas;

const versionsOf = (op: AnyOpDef): [number, Schema | null][] =>
  Object.entries(schemas.ops[op.name] ?? {}).map(([v, schema]) => [Number(v), schema]);

const inForce = (op: AnyOpDef, from: number): boolean => from >= (op.since[0] ?? 1) && from < (op.until ?? 1e9);

const label = (op: AnyOpDef): string => `${op.name} ${op.since.join(',')}`;

describe.each(OPS.map((op) => [label(op), op] as const))('%s', (_, op) => {
  const own = versionsOf(op).flatMap(([v, s]) => (s && inForce(op, v) ? [[v, s] as const] : []));

  test('has the versions of ONNX, and ends where the next signature begins', () => {
    expect(own.map(([v]) => v)).toEqual(op.since);
    if (op.until !== undefined) expect(versionsOf(op).map(([v]) => v)).toContain(op.until);
  });

  test('has the attributes of ONNX, with their kinds and defaults', () => {
    for (const [version, schema] of own) {
      const declared = Object.entries(op.attrs as AttrSpecs)
        .filter(([, a]) => version >= (a.since ?? 1) && version < (a.until ?? 1e9))
        .map(([name, a]) => [name, [a.kind, a.required, a.fallback ?? null]] as const);
      const expected = Object.entries(schema.attrs).map(([name, [kind, required, fallback]]) => [
        name,
        [KINDS[kind], required, fallback ?? null],
      ]);
      // Constant's `value` is required only in the versions that have no other.
      const read = Object.fromEntries(
        declared.map(([name, [kind, required, fallback]]) => [
          name,
          [kind, op.name === 'Constant' && version < 11 ? true : required, required ? null : fallback],
        ]),
      );
      expect(read, `version ${version}`).toEqual(Object.fromEntries(expected));
    }
  });

  test.each(['inputs', 'outputs'] as const)('has the %s of ONNX, with their element types', (side) => {
    const slots = Object.values<string>(op[side]);
    const types = slots.map(() => new Set<string>());
    for (const [version, schema] of own) {
      const given = side === 'inputs' ? schema.in : schema.out;
      expect(given.length, `version ${version}`).toBeLessThanOrEqual(slots.length);
      given.forEach((slot, i) => {
        for (const t of schemas.sets[Number.parseInt(slot, 10)] ?? []) types[i]?.add(t);
        const [mark, own] = [slot.replace(/\d+/, ''), slots[i]?.replace(/\w+/, '')];
        // An input that some versions need is optional in a declaration for all of them.
        if (own !== '?') expect(mark, `version ${version}, ${side} ${i}`).toBe(own);
      });
      for (const late of slots.slice(given.length)) expect(late).toMatch(/\?$/);
    }
    const last = own.at(-1)?.[1];
    expect(last?.[side === 'inputs' ? 'in' : 'out'].map((s) => s.replace(/\d+/, ''))).toEqual(
      slots.map((s) => s.replace(/\w+/, '')),
    );
    slots.forEach((slot, i) => {
      const declared = [...(op.types[slot.replace(/[?*]$/, '')] ?? [])].sort();
      expect(declared, `${side} ${i}`).toEqual([...(types[i] ?? [])].sort());
    });
  });
});

describe.each(OPS.map((op) => [label(op), op] as const))('%s', (_, op) => {
  test('has the element types of ONNX in each of its versions', () => {
    const slots = [...Object.values<string>(op.inputs), ...Object.values<string>(op.outputs)];
    const inputs = Object.keys(op.inputs as object).length;
    for (const [version, schema] of versionsOf(op)) {
      if (!schema || !inForce(op, version)) continue;
      const given = new Map<string, Set<string>>();
      const note = (slot: string | undefined, set: string): void => {
        const variable = slot?.replace(/[?*]$/, '') ?? '';
        const types = given.get(variable) ?? new Set<string>();
        given.set(variable, types);
        for (const t of schemas.sets[Number.parseInt(set, 10)] ?? []) types.add(t);
      };
      schema.in.forEach((set, i) => note(slots[i], set));
      schema.out.forEach((set, i) => note(slots[inputs + i], set));
      for (const [variable, types] of given)
        expect([...typesAt(op, variable, version)].sort(), `version ${version}, ${variable}`).toEqual(
          [...types].sort(),
        );
    }
  });
});

const KINDS: Readonly<Record<string, string>> = {
  INT: 'int',
  INTS: 'ints',
  FLOAT: 'float',
  FLOATS: 'floats',
  STRING: 'string',
  STRINGS: 'strings',
  TENSOR: 'tensor',
  SPARSE_TENSOR: 'sparse_tensor',
  GRAPH: 'graph',
  TYPE_PROTO: 'type',
};

test('every version of these operators from opset 7 on is declared, once', () => {
  for (const [name, versions] of Object.entries(schemas.ops)) {
    for (const [version, schema] of Object.entries(versions)) {
      const found = registry.at('', name, Number(version));
      if (schema) expect(found?.since ?? [], `${name} ${version}`).toContain(Number(version));
      else expect(found, `${name} ${version}`).toBeUndefined();
    }
  }
});

test('declarations are sorted by name, the newest of a name first', () => {
  const keys = OPS.map((op) => [op.name.toLowerCase(), -(op.since[0] ?? 0)] as const);
  expect(keys).toEqual([...keys].sort((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1)));
});

test('every declaration says its shapes in one line', () => {
  for (const op of OPS) expect(op.doc, op.name).toMatch(/^[^\n]{20,220}$/);
});
