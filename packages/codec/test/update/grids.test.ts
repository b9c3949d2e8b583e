import { expect, it } from 'vitest';
import { encode, type Grid } from '../../src/index.js';
import { gridsOf } from '../../src/update.js';
import { draw, floats, modelOf } from './models.js';

it('the grids of a file are those that it was made with', () => {
  const random = draw(3);
  const levels = Array.from({ length: 1200 }, () => Math.round(6 * (random() + random() - 1)) + 0);
  const exponents = Array.from({ length: 30 }, (_, i) => (i * 7) % 9);
  const grid: Grid = { step: 0.125, exponents: [undefined, exponents] };
  const width = (i: number): number =>
    0.125 *
    [1, 1.189207115002721, Math.SQRT2, 1.681792830507429][exponents[i % 30] & 3] *
    2 ** (exponents[i % 30] >> 2);
  const along: Grid = {
    step: 0.5,
    exponents: [undefined],
    prediction: { distance: 1, coefficients: [-0.5] },
  };
  const falling: number[] = [];
  for (const level of levels) falling.push(Math.fround(0.5 * level - 0.5 * (falling.at(-1) ?? 0)) + 0);
  const model = modelOf([
    floats(
      'plain',
      [1200],
      levels.map((level) => level / 4),
    ),
    floats(
      'columns',
      [40, 30],
      levels.map((level, i) => level * width(i)),
    ),
    floats('along', [1200], falling),
    floats('whole', [7], [1, 2, 3, 4, 5, 6, 8.3]),
  ]);
  const file = encode(model, { grids: { columns: grid, along } });
  const found = gridsOf(file);
  expect(found.plain).toEqual({ step: 0.25, exponents: [undefined] });
  expect(found.columns).toEqual({ step: 0.125, exponents: [undefined, Int16Array.from(exponents)] });
  expect(found.along).toEqual({
    ...along,
    prediction: { distance: 1, coefficients: Float64Array.of(-0.5) },
  });
  expect(found.whole).toBeUndefined();
  expect(encode(model, { grids: { columns: found.columns, along: found.along } })).toEqual(file);
});
