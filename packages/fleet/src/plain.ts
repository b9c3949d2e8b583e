const word = '$number';

/** A value as JSON that says which numbers are not finite, with keys in one order: the same value is the same text. */
export function plainText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'number' && !Number.isFinite(item)) return { [word]: String(item) };
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    const entries = Object.entries(item).filter(([, one]) => one !== undefined);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** What {@link plainText} was made of. */
export function fromPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0][0] === word) return Number(entries[0][1]);
  return Object.fromEntries(entries.map(([key, item]) => [key, fromPlain(item)]));
}
