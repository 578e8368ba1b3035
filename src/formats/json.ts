/**
 * The entries of a JSON object in the order of the text, and a name that comes twice, if one does; undefined if it is
 * not JSON.
 * `JSON.parse` alone moves names like "0" to the front and lets the last of two win.
 */
export function entriesOf(text: string): { map: Map<string, unknown>; duplicate: string | undefined } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  const values = new Map(Object.entries(parsed));
  const map = new Map<string, unknown>();
  let duplicate: string | undefined;
  for (const name of topNames(text)) {
    if (map.has(name)) duplicate ??= name;
    map.set(name, values.get(name));
  }
  return { map, duplicate };
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The names of an object in text that is known to be JSON: the strings at depth 1 that a colon follows. */
function* topNames(text: string): Generator<string> {
  let depth = 0;
  for (const token of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    const [found, colon] = token;
    if (found === '{' || found === '[') depth += 1;
    else if (found === '}' || found === ']') depth -= 1;
    else if (depth === 1 && colon !== undefined) yield nameOf(found.slice(0, -colon.length));
  }
}

function nameOf(quoted: string): string {
  const name: unknown = JSON.parse(quoted);
  return String(name);
}
