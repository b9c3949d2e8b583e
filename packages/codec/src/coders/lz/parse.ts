import { MAX_COPY } from '../../numbers.js';
import { type Costs, extraBits, type Step } from './costs.js';
import type { Finder, Matches } from './finder.js';

/** Copies longer than this are followed to where something better begins; shorter ones are tried at each length. */
const LONG = 32;
/** How often the costs are learned from the steps that they led to; of long texts, which have a form of their own, less often. */
const rounds = ({ many }: Costs): number => (many === 1 ? 4 : 2);

/** At each position the copy that saves most, unless the next position has a much better one. */
export function lazily(finder: Finder, matches: Matches, before: number): Step[] {
  const { first, end } = matches;
  const steps: Step[] = [];
  let last = before;
  let next: Gain | undefined;
  for (let i = first; i < end; ) {
    const copy = next ?? best(finder, matches, i, last);
    next = undefined;
    if (copy.length > 0 && copy.length < 64 && i + 1 < end) {
      const later = best(finder, matches, i + 1, last);
      if (later.gain > copy.gain + 8) next = later;
    }
    if (copy.length === 0 || next) {
      steps.push({ length: 1, distance: 0 });
      i++;
      continue;
    }
    steps.push({ length: copy.length, distance: copy.distance });
    last = copy.distance;
    i += copy.length;
  }
  return steps;
}

/** A copy, and an estimate of the bits that it saves. */
interface Gain extends Step {
  readonly gain: number;
}

function best(finder: Finder, { first, end, starts, copies }: Matches, position: number, last: number): Gain {
  let found = { length: 0, distance: 0, gain: 0 };
  const consider = (length: number, distance: number, cost: number): void => {
    // About 6 bits a literal byte; a copy costs its distance and length.
    const gain = length * 6 - cost - 2 * Math.log2(length + 1);
    if (length >= 2 && gain > found.gain) found = { length, distance, gain };
  };
  const most = Math.min(MAX_COPY, end - position);
  if (last > 0 && last <= position) consider(finder.common(position, last, most), last, 3);
  for (let k = starts[position - first]; k < starts[position - first + 1]; k += 2) {
    // Three bytes are hardly worth a distance.
    if (copies[k] > 3) consider(Math.min(copies[k], most), copies[k + 1], 6 + Math.log2(copies[k + 1]));
  }
  return found;
}

/**
 * The steps of least cost, by dynamic programming over the positions of `matches`; costs are the entropies of what the
 * steps before were. `quick`: steps to begin with; `before`: the last distances before them, newest first.
 */
export function cheapest(
  finder: Finder,
  matches: Matches,
  costs: Costs,
  quick: readonly Step[],
  before: readonly number[],
): Step[] {
  let steps = quick as Step[];
  for (let round = 0; round < rounds(costs); round++) {
    costs.learn(steps, matches.first, before);
    steps = parse(finder, matches, costs, before);
  }
  return steps;
}

/** How many of the last distances are known of each position; more hardly matter to the choice. */
const REMEMBERED = 4;
/** How many long copies are followed at once. */
const FOLLOWED = 8;

/** A long copy, which may end wherever something better begins: what it costs but for its length. */
interface LongCopy {
  readonly from: number;
  readonly end: number;
  readonly distance: number;
  readonly bits: number;
  /** Where the costs of its lengths begin. */
  readonly table: number;
}

function parse(finder: Finder, matches: Matches, costs: Costs, before: readonly number[]): Step[] {
  const { first, starts, copies } = matches;
  const size = matches.end - first;
  const bits = new Float64Array(size + 1).fill(Number.POSITIVE_INFINITY);
  // How each position is reached best: the step to it, and the last distances then.
  const lengths = new Int32Array(size + 1);
  const distances = new Int32Array(size + 1);
  const memory = Math.min(REMEMBERED, costs.many);
  const recent = new Int32Array(memory * (size + 1));
  for (let k = 0; k < memory; k++) recent[k] = before[k] < Number.POSITIVE_INFINITY ? before[k] : 0;
  bits[0] = 0;
  const reach = (from: number, length: number, distance: number, cost: number): void => {
    const to = from + length;
    if (cost >= bits[to]) return;
    bits[to] = cost;
    lengths[to] = length;
    distances[to] = distance;
  };
  const remember = (i: number): void => {
    const distance = distances[i];
    let from = memory * (i - lengths[i]);
    let at = memory * i;
    if (distance) recent[at++] = distance;
    for (; at < memory * (i + 1); from++)
      if (!distance || recent[from] !== distance) recent[at++] = recent[from];
  };
  let followed: LongCopy[] = [];
  for (let i = 0; i <= size; i++) {
    let furthest = i;
    followed = followed.filter(({ end }) => end >= i);
    for (const { from, end, distance, bits: cost, table } of followed) {
      if (i - from > LONG) reach(from, i - from, distance, cost + costs.lengths[table + i - from]);
      furthest = Math.max(furthest, end);
    }
    if (i === size) break;
    if (i > 0) remember(i);
    // Inside of the copy that is the best way to here, only what goes further is looked at.
    const inside = followed.some(
      ({ from, end, distance }) => end > i && distance === distances[i] && from === i - lengths[i],
    );
    const copied = i > 0 && distances[i] > 0 ? 1 : 0;
    const kind = costs.kindAt(first + i, copied);
    reach(i, 1, 0, bits[i] + costs.kind[kind] + costs.literal[costs.literalAt(first + i, copied)]);
    const copy = (least: number, most: number, distance: number): void => {
      if (inside && (i + most <= furthest || distance === distances[i])) return;
      let known = 0;
      for (let k = 0; k < memory; k++) if (recent[memory * i + k] === distance) known = k + 1;
      const start = bits[i] + costs.kind[kind + 1] + costs.again[copied * (costs.many + 1) + known];
      const far = extraBits(distance);
      const table = known ? 4094 : -2;
      for (let length = least; length <= Math.min(most, LONG); length++) {
        const where = known ? 0 : costs.distance[Math.min(length - 2, 2) * 32 + far] + far;
        reach(i, length, distance, start + costs.lengths[table + length] + where);
      }
      if (most <= LONG) return;
      const where = known ? 0 : costs.distance[64 + far] + far;
      follow({ from: i, end: i + most, distance, bits: start + where, table });
    };
    const follow = (long: LongCopy): void => {
      let at = followed.findIndex(({ distance }) => distance === long.distance);
      if (at >= 0 && followed[at].bits <= long.bits) return;
      if (at < 0 && followed.length >= FOLLOWED)
        at = followed.reduce((least, { end }, k) => (end < followed[least].end ? k : least), 0);
      followed[at < 0 ? followed.length : at] = long;
    };
    let longest = 1;
    for (let k = memory * i; k < memory * (i + 1); k++) {
      const last = recent[k];
      if (last === 0 || last > first + i) continue;
      const known = followed.find(({ distance }) => distance === last);
      const length = known
        ? Math.min(MAX_COPY, known.end - i)
        : finder.common(first + i, last, Math.min(MAX_COPY, size - i));
      if (length > 1) copy(2, length, last);
      if (length > LONG && length > longest) longest = length;
    }
    // The nearest one of each length.
    for (let k = starts[i]; k < starts[i + 1] && longest < size - i; k += 2) {
      const length = Math.min(copies[k], size - i);
      if (length > longest) {
        copy(longest + 1, length, copies[k + 1]);
        longest = length;
      }
    }
  }
  const steps: Step[] = [];
  for (let at = size; at > 0; at -= lengths[at]) {
    steps.push({ length: lengths[at], distance: distances[at] });
  }
  return steps.reverse();
}
