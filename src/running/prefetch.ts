/** Results of `load` in order, with so many calls under way or waiting to be taken: memory stays bounded. An error is thrown in its place in the order. */
export async function* prefetched<I, T>(
  items: Iterable<I>,
  ahead: number,
  load: (item: I) => Promise<T>,
): AsyncGenerator<T> {
  const waiting: Promise<T>[] = [];
  for (const item of items) {
    const promise = load(item);
    // An error is thrown when its turn comes; until then it is not unhandled.
    promise.catch(() => {});
    waiting.push(promise);
    const first = waiting.length > ahead ? waiting.shift() : undefined;
    if (first) yield await first;
  }
  for (const promise of waiting) yield await promise;
}

/** Groups of so many, the last one smaller. */
export async function* grouped<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
