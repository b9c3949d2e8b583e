// Circles in who knows whom: `known` maps each one to those it knows; nobody else is looked at.

/**
 * A circle for each group of those that know each other by way of others, as short as can be: `[a, b, c]` where a knows b, b knows c and c
 * knows a. Groups and members come in the order of `known`.
 */
export function circles(known) {
  const order = [...known.keys()];
  const next = (one) => known.get(one)?.filter((other) => known.has(other)) ?? [];
  const found = [];
  const done = new Set();
  for (const start of order) {
    if (done.has(start)) continue;
    const circle = wayBack(start, next);
    if (circle === undefined) continue;
    found.push(circle);
    // One circle tells of its group.
    for (const one of order) {
      if (reaches(start, one, next) && reaches(one, start, next)) done.add(one);
    }
  }
  return found;
}

/** The shortest way from `start` back to it, without the end. */
function wayBack(start, next) {
  const from = new Map();
  const queue = [start];
  for (const one of queue) {
    for (const other of next(one)) {
      if (other === start) {
        const way = [one];
        while (way[0] !== start) way.unshift(from.get(way[0]));
        return way;
      }
      if (from.has(other)) continue;
      from.set(other, one);
      queue.push(other);
    }
  }
  return undefined;
}

function reaches(start, end, next) {
  const seen = new Set([start]);
  for (const one of seen) {
    if (one === end) return true;
    for (const other of next(one)) seen.add(other);
  }
  return false;
}
