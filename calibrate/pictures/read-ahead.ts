/**
 * Reads what belongs to each item, the next ones while this one is worked on.
 *
 * @param read what it rejects with is thrown in the item's turn
 * @param ahead how many items are read or wait at most beside the one that is worked on
 */
export async function* readAhead<T, R>(
  items: readonly T[],
  read: (item: T) => Promise<R>,
  ahead = 1,
): AsyncGenerator<readonly [T, R]> {
  const reading: Promise<R>[] = [];
  let begun = 0;
  for (const item of items) {
    while (begun < items.length && reading.length <= ahead) {
      const next = read(items[begun++]!);
      // Awaited in its turn; that nobody may come to it is no error.
      next.catch(() => {});
      reading.push(next);
    }
    yield [item, await reading.shift()!];
  }
}
