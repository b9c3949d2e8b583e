/** What is less is better in both. */
export type Aims = readonly [number, number];

const dominates = (a: Aims, b: Aims): boolean => a[0] <= b[0] && a[1] <= b[1] && (a[0] < b[0] || a[1] < b[1]);

/**
 * Indices of those that no other is better than in both aims. Of equal ones all: strategies learn from each trial, where pages and
 * `fleet status` (`paretoFront` of the report) draw a way through places.
 */
export function frontOf(points: readonly Aims[]): number[] {
  return [...points.keys()].filter((i) =>
    points.every((other, j) => i === j || !dominates(other, points[i])),
  );
}

/** The area that points have below and left of a corner: what is better than the corner and no better than all of them. */
export function hypervolume(points: readonly Aims[], corner: Aims): number {
  const inside = points
    .filter(([x, y]) => x < corner[0] && y < corner[1])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let [area, ceiling] = [0, corner[1]];
  for (const [x, y] of inside) {
    if (y >= ceiling) continue;
    area += (corner[0] - x) * (ceiling - y);
    ceiling = y;
  }
  return area;
}

/**
 * The indices of the best so many by two aims: front after front, and of the last front those that together have the
 * most hypervolume, chosen one by one (Ozaki et al. 2020).
 */
export function bestByBoth(points: readonly Aims[], count: number): number[] {
  const chosen: number[] = [];
  let left = [...points.keys()];
  while (chosen.length < count && left.length > 0) {
    const front = frontOf(left.map((i) => points[i])).map((at) => left[at]);
    left = left.filter((i) => !front.includes(i));
    if (chosen.length + front.length <= count) chosen.push(...front);
    else chosen.push(...spread(points, front, count - chosen.length));
  }
  return chosen;
}

function spread(points: readonly Aims[], front: readonly number[], count: number): number[] {
  const edge = (k: 0 | 1): number => {
    const of = front.map((i) => points[i][k]);
    const [low, high] = [Math.min(...of), Math.max(...of)];
    return high + 0.1 * (high - low || 1);
  };
  const corner: Aims = [edge(0), edge(1)];
  const taken: number[] = [];
  const left = [...front];
  while (taken.length < count) {
    let best = { at: 0, area: -1 };
    for (const [at, i] of left.entries()) {
      const area = hypervolume(
        [...taken, i].map((j) => points[j]),
        corner,
      );
      if (area > best.area) best = { at, area };
    }
    taken.push(...left.splice(best.at, 1));
  }
  return taken;
}
