import type { Costs, Step } from '../../src/coders/lz/costs.js';

/** How many bits of an integer come after its first. */
const bitsAfter = (n: number): number => n.toString(2).length - 1;

/** What a step costs, as docs/format.md says that it is written; `last`: the last distance. */
function priceOfStep(
  costs: Costs,
  { length, distance }: Step,
  position: number,
  copied: number,
  last: number,
): number {
  const kind = costs.kindAt(position, copied);
  if (distance === 0) return costs.kind[kind] + costs.literal[costs.literalAt(position, copied)];
  const again = distance === last ? 1 : 0;
  const size = bitsAfter(length - 1);
  const far = bitsAfter(distance);
  const where = again ? 0 : costs.distance[Math.min(length - 2, 2) * 32 + far] + far;
  return (
    costs.kind[kind + 1] + costs.again[2 * copied + again] + costs.length[32 * again + size] + size + where
  );
}

export function priceOf(costs: Costs, steps: readonly Step[], start: number, before: number): number {
  let [price, position, copied, last] = [0, start, 0, before];
  for (const step of steps) {
    price += priceOfStep(costs, step, position, copied, last);
    position += step.length;
    copied = step.distance ? 1 : 0;
    last = step.distance || last;
  }
  return price;
}

/** The price of the cheapest steps there are, by trying all: every copy, after every way to get there. */
export function cheapestOfAll(costs: Costs, data: Uint8Array, start: number, before: number): number {
  const ways = Array.from(
    { length: data.length + 1 },
    () => new Map<string, [copied: number, last: number, price: number]>(),
  );
  const reach = (position: number, copied: number, last: number, price: number): void => {
    const known = ways[position].get(`${copied} ${last}`);
    if (!known || known[2] > price) ways[position].set(`${copied} ${last}`, [copied, last, price]);
  };
  reach(start, 0, before, 0);
  for (let position = start; position < data.length; position++) {
    for (const [copied, last, price] of ways[position].values()) {
      const take = (step: Step): void =>
        reach(
          position + step.length,
          step.distance ? 1 : 0,
          step.distance || last,
          price + priceOfStep(costs, step, position, copied, last),
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
