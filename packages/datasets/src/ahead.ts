/** A promise that may fail before anybody waits for it. */
function begun<T>(start: () => Promise<T>): Promise<T> {
  const promise = start();
  promise.catch(() => {});
  return promise;
}

/**
 * Results in their order, of which up to `depth` are begun before they are asked for: those of 0 … count - 1, then, where there
 * is another row after this one, its first.
 *
 * @param first - Those of this row that were begun with the row before.
 * @param next - Begins one of the row after; takes what was begun when this row is through.
 */
export async function* ahead<T>(
  count: number,
  depth: number,
  start: (index: number) => Promise<T>,
  first: readonly Promise<T>[] = [],
  next?: { readonly start: (index: number) => Promise<T>; readonly take: (begun: Promise<T>[]) => void },
): AsyncGenerator<T, void, undefined> {
  const waiting = [...first];
  const following: Promise<T>[] = [];
  let index = waiting.length;
  for (let done = 0; done < count; done++) {
    while (index < count && waiting.length < depth) {
      const at = index++;
      waiting.push(begun(() => start(at)));
    }
    while (next && waiting.length + following.length < depth && following.length < count) {
      const at = following.length;
      following.push(begun(() => next.start(at)));
    }
    yield await (waiting.shift() as Promise<T>);
  }
  next?.take(following);
}
