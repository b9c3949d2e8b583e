import { expect, it } from 'vitest';
import { fitsInput } from '../src/pipeline/input-shapes.js';
import { espalier, folder, tinyCifar, tinyRecipe } from './fixtures.js';

it.each<[string, (number | null)[], number[], number | undefined, boolean]>([
  ['as they are', [32, 32, 3], [32, 32, 3], undefined, true],
  ['open sizes', [null, null, 3], [32, 32, 3], undefined, true],
  ['open sizes, other channels', [null, null, 1], [32, 32, 3], undefined, false],
  ['in a row', [3072], [32, 32, 3], undefined, true],
  ['in a row of another length', [784], [32, 32, 3], undefined, false],
  ['ids', [64], [64], 80, true],
  ['ids as one-hot rows', [64, 80], [64], 80, true],
  ['rows of another width', [64, 81], [64], 80, false],
  ['open rank', [null], [28, 28], undefined, false],
])('an input takes examples, %s', (_, shape, data, width, fits) => {
  expect(fitsInput(shape, data, width)).toBe(fits);
});

it('a model that takes something else than the data have is told in a sentence, before anything is trained', async () => {
  const home = folder();
  const recipe = tinyRecipe(home, tinyCifar(home), (text) =>
    text.replace(/- averagePooling2d: .*\n\s+- flatten: .*\n/, '- dense: { units: 8, inputShape: [784] }\n'),
  );
  const { code, stderr } = await espalier(['run', recipe, '--out', `${home}/out`]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/The model takes \[784\] for an example; .* has \[32,32,3\]/);
  expect(stderr).not.toMatch(/\n\s+at /);
}, 240_000);
