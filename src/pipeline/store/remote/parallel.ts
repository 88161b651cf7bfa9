/** A few of many at once. The first failure ends it: nothing further is begun, and what runs is waited for. */
export async function inParallel<T, R>(
  limit: number,
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let [index, failed] = [0, false];
  let asking: Promise<unknown> = Promise.resolve();
  const lane = async (): Promise<void> => {
    while (!failed) {
      // One question at a time: the next item of a list that is being fetched.
      const asked = asking.then(() => iterator.next());
      asking = asked.catch(() => undefined);
      const next = (await asked) as IteratorResult<T>;
      if (next.done || failed) return;
      const mine = index++;
      results[mine] = await work(next.value, mine);
    }
  };
  const ends = await Promise.allSettled(
    Array.from({length: limit}, () =>
      lane().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    ),
  );
  const bad = ends.find((end) => end.status === 'rejected');
  if (bad) throw bad.reason;
  return results;
}
