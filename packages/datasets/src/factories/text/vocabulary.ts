/** What a text is made of. */
export type Unit = 'word' | 'character';

/** Words are runs of letters, digits and apostrophes, in lower case; other signs but spaces stand alone. */
export function unitsOf(text: string, unit: Unit): readonly string[] {
  if (unit === 'character') return [...text];
  return text.toLowerCase().match(/[\p{L}\p{N}']+|[^\s\p{L}\p{N}']/gu) ?? [];
}

/** The most frequent units, the most frequent first, and of as many in the order of their code. */
export function learnVocabulary(units: Iterable<string>, most: number): string[] {
  const counts = new Map<string, number>();
  for (const unit of units) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  const words = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return words.slice(0, most).map(([word]) => word);
}

/** Gives units their ids: 0 fills up, 1 is unknown, and the vocabulary begins at 2. */
export function coder(vocabulary: readonly string[]): (unit: string) => number {
  const ids = new Map(vocabulary.map((word, i) => [word, i + 2]));
  return (unit) => ids.get(unit) ?? 1;
}
