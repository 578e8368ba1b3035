/** Levels of lists and objects that are taken apart: a report, its list of nodes, and each node as one piece. */
const LEVELS = 2;

/**
 * The text of `JSON.stringify(value, jsonValue, 2)`, in pieces: as one text, that of a large graph takes more memory than the graph.
 * Numbers that JSON has no word for become strings; bigint becomes a number where it is one exactly.
 */
export function* jsonPieces(value: unknown, indent = '', levels = LEVELS): Generator<string, void, undefined> {
  const shown = jsonValue('', value);
  const inner = `${indent}  `;
  if (levels > 0 && Array.isArray(shown) && shown.length > 0) {
    for (const [i, item] of shown.entries()) {
      yield `${i === 0 ? '[' : ','}\n${inner}`;
      yield* jsonPieces(item, inner, levels - 1);
    }
    yield `\n${indent}]`;
  } else if (levels > 0 && isPlain(shown)) {
    let open = '{';
    for (const [key, item] of Object.entries(shown)) {
      if (item === undefined) continue;
      yield `${open}\n${inner}${JSON.stringify(key)}: `;
      yield* jsonPieces(item, inner, levels - 1);
      open = ',';
    }
    yield open === '{' ? '{}' : `\n${indent}}`;
  } else yield (JSON.stringify(shown, jsonValue, 2) ?? 'null').replaceAll('\n', `\n${indent}`);
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [String(k), v as unknown]));
  if (value instanceof Set) return [...value];
  return value;
}
