import type { Costs, Step } from '../../src/coders/lz/costs.js';

/** How many bits of an integer come after its first. */
const bitsAfter = (n: number): number => n.toString(2).length - 1;

/** The last distances, newest first; as many as the form knows. */
type Recent = readonly number[];

/** After a copy: its distance becomes the newest; the same one before, or else the oldest, leaves the list. */
function after(recent: Recent, distance: number): Recent {
  const others = recent.filter((one) => one !== distance);
  return [distance, ...others].slice(0, recent.length);
}

/** What a step costs, as docs/format.md says that it is written. */
function priceOfStep(
  costs: Costs,
  { length, distance }: Step,
  position: number,
  copied: number,
  recent: Recent,
): number {
  const kind = costs.kindAt(position, copied);
  if (distance === 0) return costs.kind[kind] + costs.literal[costs.literalAt(position, copied)];
  const which = recent.indexOf(distance) + 1;
  const again = Math.min(1, which);
  const size = bitsAfter(length - 1);
  const far = bitsAfter(distance);
  const where = again ? 0 : costs.distance[Math.min(length - 2, 2) * 32 + far] + far;
  const long =
    recent.length > 1 ? costs.lengths[4096 * again + length - 2] : costs.length[32 * again + size] + size;
  return costs.kind[kind + 1] + costs.again[(recent.length + 1) * copied + which] + long + where;
}

export function priceOf(costs: Costs, steps: readonly Step[], start: number, before: Recent): number {
  let [price, position, copied, recent] = [0, start, 0, before];
  for (const step of steps) {
    price += priceOfStep(costs, step, position, copied, recent);
    position += step.length;
    copied = step.distance ? 1 : 0;
    if (step.distance) recent = after(recent, step.distance);
  }
  return price;
}

/**
 * The price of the cheapest steps there are, by trying all: every copy, after every way to get there that costs no more
 * than `known` steps do as a whole.
 */
export function cheapestOfAll(
  costs: Costs,
  data: Uint8Array,
  start: number,
  before: Recent,
  known: number,
): number {
  const ways = Array.from(
    { length: data.length + 1 },
    () => new Map<string, [copied: number, recent: Recent, price: number]>(),
  );
  const reach = (position: number, copied: number, recent: Recent, price: number): void => {
    const key = `${copied} ${recent}`;
    if (price > known + 1e-9) return;
    if ((ways[position].get(key)?.[2] ?? Infinity) > price) ways[position].set(key, [copied, recent, price]);
  };
  reach(start, 0, before, 0);
  for (let position = start; position < data.length; position++) {
    for (const [copied, recent, price] of ways[position].values()) {
      const take = (step: Step): void =>
        reach(
          position + step.length,
          step.distance ? 1 : 0,
          step.distance ? after(recent, step.distance) : recent,
          price + priceOfStep(costs, step, position, copied, recent),
        );
      take({ length: 1, distance: 0 });
      for (let distance = 1; distance <= position; distance++) {
        for (let length = 1; position + length <= data.length; length++) {
          if (data[position + length - 1] !== data[position + length - 1 - distance]) break;
          if (length > 1) take({ length, distance });
        }
      }
    }
  }
  return Math.min(...[...ways[data.length].values()].map(([, , price]) => price));
}
