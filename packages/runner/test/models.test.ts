import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBackend } from '@espalier/backend';
import { parametersOf } from '@espalier/core';
import { writeNpy } from '@espalier/formats';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeKeras } from '../../formats/test/keras-fixtures.js';
import { readLayersModel } from '../src/pipeline/model-files.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { loadRecipe } from '../src/recipe/load.js';
import { folder } from './fixtures.js';

let backend: Awaited<ReturnType<typeof startBackend>>;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: () => {} });
});

/** A net of Keras 3 of pictures of 8 x 8 x 2, which gives three numbers. */
const keras = fileURLToPath(new URL('../../formats/test/fixtures/image.keras', import.meta.url));

function write(home: string, model: string, stages: string, data = true): string {
  const wave = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i * i));
  if (data) {
    writeFileSync(join(home, 'x.npy'), writeNpy([24, 8, 8, 2], wave(24 * 128)));
    writeFileSync(join(home, 'y.npy'), writeNpy([24, 3], wave(72)));
  }
  const file = join(home, 'recipe.yaml');
  writeFileSync(
    file,
    `name: tune\nseed: 1\ndata: { inputs: x.npy, labels: y.npy, batchSize: 8 }\nmodel: ${model}\nloss: huber\nstages:\n${stages}`,
  );
  return file;
}

/** All weights of a model by their names. */
async function weightsOf(path: string): Promise<Map<string, number[]>> {
  const model = await readLayersModel(path);
  const found = new Map(parametersOf(model).map((p) => [p.name, [...p.variable.dataSync()]]));
  model.dispose();
  return found;
}

describe('a model that comes trained', () => {
  it('of Keras 3 is tuned from the first stage: frozen layers stay, the others move; all are pruned', async () => {
    const home = folder();
    const before = await weightsOf(keras);
    const names = [...before.keys()];
    const [first] = names[0].split('/');
    const stages = `  - { name: head, epochs: 2, freeze: ['!${names.at(-1)!.split('/')[0]}'] }
  - name: all
    epochs: 2
    freeze: ${first}
    schedules: [{ use: '@espalier/pruners#level', options: { sparsity: 0.5 }, parameters: '**/kernel' }]
`;
    const out = join(home, 'out');
    const report = await runRecipe(await loadRecipe(write(home, keras, stages)), { out, backend });
    const head = await weightsOf(join(out, 'tfjs', 'model.json')); // the dense model, after the first stage
    const moved = names.filter((name) => head.get(name)!.join() !== before.get(name)!.join());
    expect(new Set(moved.map((name) => name.split('/')[0]))).toEqual(new Set([names.at(-1)!.split('/')[0]]));
    const after = await weightsOf(join(out, 'model.esp'));
    const kernel = after.get(`${first}/kernel`)!;
    const start = before.get(`${first}/kernel`)!;
    expect(kernel.filter((w) => w === 0)).toHaveLength(kernel.length / 2);
    expect(kernel.every((w, i) => w === 0 || w === start[i])).toBe(true);
    const others = names.filter((name) => !name.startsWith(`${first}/`) && !moved.includes(name));
    expect(others.some((name) => after.get(name)!.join() !== before.get(name)!.join())).toBe(true);
    expect(report.compressed.accuracy).toBe(null);
  }, 240_000);

  it('a layer that is not there is named, with the nearest', async () => {
    const home = folder();
    const file = write(home, keras, '  - { name: tune, epochs: 1, freeze: [conv2dd] }\n');
    await expect(runRecipe(await loadRecipe(file), { out: join(home, 'out'), backend })).rejects.toThrow(
      /recipe\.yaml:7:.*no layer 'conv2dd'\.\n.*Did you mean 'conv2d'\?/,
    );
  });

  it('layers that TF.js lacks are named, with what can be done', async () => {
    const home = folder();
    await writeKeras(join(home, 'norm.h5'), {
      version: '3.0.0',
      config: {
        class_name: 'Sequential',
        config: {
          name: 'net',
          layers: [
            {
              class_name: 'InputLayer',
              config: { batch_shape: [null, 8, 8, 2], dtype: 'float32', name: 'in' },
            },
            { class_name: 'GroupNormalization', config: { name: 'groups', groups: 2 } },
          ],
        },
      },
      layers: { groups: [{ name: 'groups/gamma:0', shape: [2], values: Float32Array.of(1, 1) }] },
    });
    const file = write(home, './norm.h5', '  - { name: tune, epochs: 1 }\n');
    await expect(runRecipe(await loadRecipe(file), { out: join(home, 'out'), backend })).rejects.toThrow(
      /recipe\.yaml:4:.*TensorFlow\.js has no GroupNormalization.*\n.*layers that TF\.js has; its weights alone can be quantised/,
    );
  });

  it('a graph is refused before data are read', async () => {
    const home = folder();
    writeFileSync(
      join(home, 'model.json'),
      JSON.stringify({ format: 'graph-model', modelTopology: { node: [] }, weightsManifest: [] }),
    );
    const file = write(home, './model.json', '  - { name: tune, epochs: 1 }\n', false); // there are no data
    await expect(runRecipe(await loadRecipe(file), { out: join(home, 'out'), backend })).rejects.toThrow(
      /recipe\.yaml:4:.*a graph model\.\n.*espalier compress/,
    );
  });
});
