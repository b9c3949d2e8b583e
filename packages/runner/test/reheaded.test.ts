import '@tensorflow/tfjs-backend-cpu';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { encode } from '@espalier/codec';
import { disposeModel, parametersOf } from '@espalier/core';
import { writeNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { silent } from '../src/pipeline/listener.js';
import { makeModel } from '../src/pipeline/model.js';
import { artifactsOf } from '../src/pipeline/model-files.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { checkRecipe } from '../src/recipe/check.js';
import { loadRecipe } from '../src/recipe/load.js';
import type { Recipe } from '../src/recipe/schema.js';
import { folder } from './fixtures.js';

/** A net with a way around, of pictures of 8 x 8 x 2, whose first layer somebody froze. */
function published(): tfl.LayersModel {
  const { conv2d, batchNormalization, add, flatten, dense } = tfl.layers;
  const input = tfl.input({ shape: [8, 8, 2] });
  const conv = conv2d({ name: 'conv', filters: 4, kernelSize: 3, padding: 'same', trainable: false });
  const first = batchNormalization({ name: 'norm' }).apply(conv.apply(input)) as tfl.SymbolicTensor;
  const second = conv2d({ name: 'more', filters: 4, kernelSize: 1 }).apply(first) as tfl.SymbolicTensor;
  const body = add({ name: 'sum' }).apply([first, second]) as tfl.SymbolicTensor;
  const outputs = dense({ name: 'old', units: 3 }).apply(flatten({ name: 'flat' }).apply(body));
  return tfl.model({ inputs: input, outputs: outputs as tfl.SymbolicTensor });
}

async function save(model: tfl.LayersModel): Promise<string> {
  const home = folder();
  writeFileSync(join(home, 'net.esp'), encode(await artifactsOf(model)));
  return home;
}

const layers = [{ globalAveragePooling2d: { name: 'pool' } }, { dense: { name: 'class', units: 2 } }];
const made = (home: string, model: unknown, shape = [6, 10, 2], seed = 1): Promise<tfl.LayersModel> =>
  makeModel({ name: 'own', seed, model } as Recipe, home, shape);

describe('a published model with layers of one own after it', () => {
  it('is cut off, takes inputs of another size, and has its weights and nothing frozen', async () => {
    const model = published();
    const home = await save(model);
    const tensors = tf.memory().numTensors;
    const own = await made(home, { from: 'net.esp', until: 'sum', layers });
    expect(own.inputs[0].shape).toEqual([null, 6, 10, 2]);
    expect(own.outputs[0].shape).toEqual([null, 2]);
    expect(own.layers.every(({ trainable }) => trainable)).toBe(true);
    const names = parametersOf(own).map(({ name }) => name);
    expect(names).not.toContain('old/kernel');
    for (const name of ['conv/kernel', 'more/kernel', 'norm/gamma']) expect(names).toContain(name);

    // At its own size it gives what the published one has there.
    const same = await made(home, { from: 'net.esp', until: 'sum' }, [8, 8, 2]);
    const until = tfl.model({
      inputs: model.inputs,
      outputs: model.getLayer('sum').output as tfl.SymbolicTensor,
    });
    const x = tf.randomUniform([2, 8, 8, 2], -1, 1, 'float32', 5);
    const [given, wanted] = tf.tidy(() =>
      [same, until].map((one) => (one.predict(x) as tf.Tensor).dataSync()),
    );
    expect(given).toEqual(wanted);

    // What is new depends on the seed alone.
    const kernels = [];
    for (const seed of [1, 1, 2]) {
      const again = await made(home, { from: 'net.esp', until: 'sum', layers }, [6, 10, 2], seed);
      kernels.push([...again.getLayer('class').getWeights()[0].dataSync()]);
      disposeModel(again);
    }
    expect(kernels[1]).toEqual(kernels[0]);
    expect(kernels[2]).not.toEqual(kernels[0]);

    disposeModel(own);
    disposeModel(same);
    x.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('says what is wrong', async () => {
    const home = await save(published());
    const says = (model: object, shape?: number[]) =>
      expect(made(home, { from: 'net.esp', ...model }, shape)).rejects;
    await says({ until: 'summ' }).toThrow("no layer 'summ'");
    await says({ until: 'summ' }).toThrow("Did you mean 'sum'?");
    await says({}).toThrow(/does not take \[6,10,2\]/);
    await says({ until: 'sum' }, [6, 10, 3]).toThrow(/does not take \[6,10,3\]/);
    await says({ until: 'sum', layers: [{ dense: { name: 'conv', units: 2 } }] }).toThrow("a layer 'conv'");
    const stages = [{ name: 'a', epochs: 1 }];
    const recipe = { name: 'x', data: { name: 'mnist' }, stages };
    const told = (model: unknown) => JSON.stringify(checkRecipe({ ...recipe, model }));
    expect(told({ from: 'net.esp', untl: 'sum' })).toMatch(/no key 'untl'.*Did you mean 'until'/);
    expect(told({ from: 'net.esp', layers: [{ dens: { units: 2 } }] })).toMatch(/dens/);
    expect(told({ from: 'net.esp', until: 'sum', layers })).toMatch(/"recipe"/);
  });

  it('runs from a recipe, and open sizes of a model are those of the data', async () => {
    const backend = await startBackend({ prefer: 'cpu', log: () => {} });
    const input = tfl.input({ shape: [null, null, 2] });
    const conv = tfl.layers.conv2d({ name: 'conv', filters: 4, kernelSize: 1, trainable: false });
    const last = tfl.layers.conv2d({ name: 'last', filters: 4, kernelSize: 1 });
    const outputs = last.apply(conv.apply(input)) as tfl.SymbolicTensor;
    const home = await save(tfl.model({ inputs: input, outputs }));
    const wave = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i * i));
    writeFileSync(join(home, 'x.npy'), writeNpy([20, 5, 3, 2], wave(600)));
    writeFileSync(join(home, 'y.npy'), writeNpy([20, 5, 3, 4], wave(1200)));
    const file = join(home, 'recipe.yaml');
    const start = 'name: own\ndata: { inputs: x.npy, labels: y.npy, batchSize: 8 }\n';
    writeFileSync(file, `${start}model: net.esp\nstages: [{ name: tune, epochs: 1 }]\n`);
    const told: string[] = [];
    const listener = { ...silent, info: (line: string) => void told.push(line) };
    const report = await runRecipe(await loadRecipe(file), { out: join(home, 'a'), backend, listener });
    expect(report.dense.macs).toBe(5 * 3 * (2 * 4 + 4 * 4));
    expect(told.join('\n')).toMatch(/conv comes frozen/);
    const before = [...conv.getWeights()[0].dataSync()];
    writeFileSync(file, `${start}model: { from: net.esp }\nstages: [{ name: tune, epochs: 1 }]\n`);
    await runRecipe(await loadRecipe(file), { out: join(home, 'b'), backend });
    const after = await makeModel({ name: 'own', model: 'b/model.esp' } as Recipe, home, []);
    expect([...after.getWeights()[0].dataSync()]).not.toEqual(before);
    writeFileSync(
      join(home, 'graph.json'),
      '{"format":"graph-model","modelTopology":{"node":[]},"weightsManifest":[]}',
    );
    const graph = 'name: own\ndata: { inputs: none.npy, labels: none.npy }\nmodel: { from: graph.json }\n';
    writeFileSync(file, `${graph}stages: [{ name: tune, epochs: 1 }]\n`);
    await expect(runRecipe(await loadRecipe(file), { out: join(home, 'c'), backend })).rejects.toThrow(
      /recipe\.yaml:3:.*graph model/,
    );
  });
});
