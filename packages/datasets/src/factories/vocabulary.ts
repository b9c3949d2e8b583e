/** What a text is made of. */
export type Unit = 'word' | 'character';

/** Words are runs of letters, digits and apostrophes, in lower case; other signs but spaces stand alone. */
function unitsOf(text: string, unit: Unit): readonly string[] {
  if (unit === 'character') return [...text];
  return text.toLowerCase().match(/[\p{L}\p{N}']+|[^\s\p{L}\p{N}']/gu) ?? [];
}

/** The most frequent words or characters of texts, the most frequent first, and of as many in the order of their code. */
export function learnVocabulary(texts: readonly string[], unit: Unit, most: number): string[] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of unitsOf(text, unit)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return words.slice(0, most).map(([word]) => word);
}

const idsOf = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

/** A text as ids: 0 fills up, 1 is unknown, and the vocabulary begins at 2. */
export function encodeWith(
  vocabulary: readonly string[],
  text: string,
  unit: Unit,
  length: number,
): Int32Array {
  let ids = idsOf.get(vocabulary);
  if (ids === undefined) {
    ids = new Map(vocabulary.map((word, i) => [word, i + 2]));
    idsOf.set(vocabulary, ids);
  }
  const out = new Int32Array(length);
  for (const [i, word] of unitsOf(text, unit).slice(0, length).entries()) out[i] = ids.get(word) ?? 1;
  return out;
}
