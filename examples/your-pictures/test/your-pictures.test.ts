import { fileURLToPath } from 'node:url';
import { loadRecipe } from '@espalier/runner';
import { expect, test } from 'vitest';
import { modelFiles, sorted } from '../prepare.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a photograph comes once, in the folder of its group; small groups are left out', () => {
  const photographs = [
    ['A001.jpeg', bytes('rice')],
    ['O014.jpeg', bytes('sheep')],
    ['O015.jpeg', bytes('sheep')],
    ['P001.jpeg', bytes('eel')],
    ['T001.jpeg', bytes('oil')],
  ] as const;
  const names = [...sorted(photographs)].map(([name]) => name.replaceAll('\\', '/'));
  expect(names).toEqual(['grains/A001.jpeg', 'animals/O014.jpeg', 'fish/P001.jpeg']);
});

test('the net is written as model.save does', () => {
  const weights = [{ name: 'w', shape: [2], dtype: 'uint8' }];
  const published = {
    modelTopology: { class_name: 'Model' },
    weightsManifest: [{ paths: ['a', 'b'], weights }],
  };
  const [[, model], [name, data]] = [...modelFiles(published, 'AQI=')];
  expect(JSON.parse(model as string)).toEqual({
    format: 'layers-model',
    modelTopology: { class_name: 'Model' },
    weightsManifest: [{ paths: [name], weights }],
  });
  expect([...(data as Uint8Array)]).toEqual([1, 2]);
});

test.each(['recipe', 'recipe-rate'])('%s.yaml is a recipe', async (name) => {
  const { recipe } = await loadRecipe(fileURLToPath(new URL(`../${name}.yaml`, import.meta.url)));
  expect(recipe.model).toMatchObject({ until: 'out_relu' });
});
