/** What rows of the benchmark say together. */

const tolerance = 0.01;

/** The largest difference of the ways' losses, step by step, relative to the loss; right up to 1 %. */
export function curves(rows) {
  const found = {};
  const nets = new Set(rows.filter((row) => row.curve).map((row) => row.model));
  for (const net of nets) {
    const of = (way) => rows.find((row) => row.model === net && row.way === way && row.curve)?.curve;
    const ours = of('ours');
    if (!ours) continue;
    for (const way of ['stock', 'cpu']) {
      const other = of(way);
      if (!other) continue;
      const apart = Math.max(...other.map((loss, i) => Math.abs(loss - ours[i]) / loss));
      found[`${net}, ours and ${way}`] = { apart: Number(apart.toPrecision(2)), right: apart <= tolerance };
    }
  }
  return found;
}

const BARS = { mlp: 3, lenet5: 2 };

/** Ours over stock and over half of PyTorch, for each net and batch. */
export function bars(rows) {
  const found = {};
  for (const ours of rows.filter((row) => row.way === 'ours' && row.imagesPerSecond)) {
    const of = (way) =>
      rows.find((row) => row.way === way && row.model === ours.model && row.batch === ours.batch)
        ?.imagesPerSecond;
    const over = (rate) => rate && Number((ours.imagesPerSecond / rate).toFixed(2));
    const bar = BARS[ours.model];
    const stock = over(of('stock'));
    found[`${ours.model}, batch ${ours.batch}`] = {
      imagesPerSecond: ours.imagesPerSecond,
      overStock: stock,
      ...(bar && stock && { bar, reached: stock >= bar }),
      overCpu: over(of('cpu')),
      overTorch: over(of('torch')),
    };
  }
  return found;
}
