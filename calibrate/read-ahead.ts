/**
 * Reads what belongs to each item, the next while this one is worked on.
 *
 * @param read what it rejects with is thrown in the item's turn
 */
export async function* readAhead<T, R>(
  items: readonly T[],
  read: (item: T) => Promise<R>,
): AsyncGenerator<readonly [T, R]> {
  const begin = (index: number): Promise<R> | undefined => {
    if (index >= items.length) return undefined;
    const reading = read(items[index]!);
    // Awaited in its turn; that nobody may come to it is no error.
    reading.catch(() => {});
    return reading;
  };
  let next = begin(0);
  for (const [index, item] of items.entries()) {
    const result = await next!;
    next = begin(index + 1);
    yield [item, result];
  }
}
