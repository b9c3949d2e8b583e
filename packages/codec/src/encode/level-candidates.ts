import { rowSize } from '../coders/levels/rows.js';
import { encodeRans } from '../coders/rans/encode.js';
import type { StoredTensor } from '../container/header-write.js';
import type { Quantized } from '../layouts/codebook/find.js';
import { cutTraversal, fits, plainTraversal, traversalsFor } from '../layouts/traversal/choices.js';
import { groupAxes, sizeOf } from '../layouts/traversal/geometry.js';
import { MAX_ROW } from '../numbers.js';
import type { Search } from './search.js';
import { storedSize } from './size.js';
import { encodeLevels } from './tiles.js';

/** How many levels a codebook has. */
export const levelCount = ({ book }: Pick<Quantized, 'book'>): number => book.negative + 1 + book.positive;

/** The level coders on every traversal that the effort allows: the quick one on all, the mixing one on the best. */
export function levelCandidates(
  base: Omit<StoredTensor, 'codec'>,
  found: Quantized,
  search: Search,
): StoredTensor[] {
  const { effort, codecs } = search;
  const { shape } = base.spec;
  const fast: StoredTensor[] = [];
  for (const traversal of traversalsFor(shape)) {
    if (fast.length > 0 && (effort === 0 || !search.more())) break;
    const coded = encodeLevels(shape, found, traversal, 'ctx-fast', 0, search.tileElements);
    fast.push({ ...base, codec: 'ctx-fast', ...coded });
  }
  fast.sort((a, b) => storedSize(a) - storedSize(b));
  const all = codecs.includes('ctx-fast') ? [...fast] : [];
  const plain = codecs.includes('rans') ? ransCandidate(base, found) : undefined;
  if (plain) all.push(plain);
  if (!codecs.includes('ctx-mix')) return all;
  const best = fast.slice(0, effort >= 8 ? 99 : effort >= 4 ? 2 : 1);
  const rates = effort >= 6 ? [1, 0, 2] : [1];
  for (const { levels } of best) {
    for (const rate of rates) {
      if (all.length > 0 && !search.more()) return all;
      all.push({
        ...base,
        codec: 'ctx-mix',
        ...encodeLevels(shape, found, levels!.traversal, 'ctx-mix', rate, search.tileElements),
      });
    }
  }
  return all;
}

/** Static coding in the tensor's own order; only where the alphabet is small beside its 12-bit frequencies. */
function ransCandidate(
  base: Omit<StoredTensor, 'codec'>,
  { book, levels }: Quantized,
): StoredTensor | undefined {
  const count = levelCount({ book });
  if (count > 1024) return undefined;
  const { shape } = base.spec;
  // Rows are as long as allowed: the coder has no use for them.
  const order = shape.map((_, i) => i);
  const sizes = [...order, shape.length].map((axis) => shape.slice(axis).reduce((a, b) => a * b, 1));
  const rowAxes = sizes.findIndex((n) => rowSize({ lines: 1, width: n }) <= MAX_ROW);
  const whole = plainTraversal(order, rowAxes, rowAxes);
  const traversal = fits(shape, whole) ? whole : cutTraversal(shape);
  if (!traversal) return undefined;
  const groups = groupAxes(shape, traversal);
  const [rows, lines, width] = groups.map(sizeOf);
  const symbols = new Uint16Array(levels.length);
  for (let i = 0; i < levels.length; i++) symbols[i] = levels[i] + book.negative;
  return {
    ...base,
    codec: 'rans',
    levels: { book, traversal, groups, rows, lines, width, tuning: 0 },
    payloads: [encodeRans(symbols, count)],
  };
}
