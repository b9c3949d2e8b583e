import '@tensorflow/tfjs-backend-cpu';
import { type Data, Run } from '@espalier/core';
import { renderSensitivity, sensitivityCsv } from '@espalier/report';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { bearable, measureSensitivity, suggestion } from '../src/index.js';

/** Two classes told apart by the sign of the first input; three hidden units, of which one does nothing. */
function toy(): { run: Run; data: Data } {
  const model = sequential({
    layers: [
      layers.dense({ name: 'a', units: 3, inputShape: [2], activation: 'relu' }),
      layers.dense({ name: 'b', units: 2, activation: 'softmax' }),
    ],
  });
  model.setWeights([
    tf.tensor2d([
      [3, -2, 0.01],
      [0, 0, 0.01],
    ]),
    tf.zeros([3]),
    tf.tensor2d([
      [4, -4],
      [-4, 4],
      [0.01, 0],
    ]),
    tf.zeros([2]),
  ]);
  const x = tf.randomNormal([100, 2], 0, 1, 'float32', 7) as tf.Tensor2D;
  const y = tf.oneHot(tf.cast(tf.less(tf.reshape(tf.slice(x, [0, 0], [100, 1]), [100]), 0), 'int32'), 2);
  const data = {
    size: 100,
    stepsPerEpoch: 1,
    batches: () => [{ inputs: tf.clone(x), labels: tf.cast(y, 'float32') }],
  };
  return { run: new Run(model), data };
}

test('each tensor by itself, and everything is put back', async () => {
  const { run, data } = toy();
  const before = run.model.getWeights().map((w) => w.dataSync().join());
  const tensors = tf.memory().numTensors;
  const found = await measureSensitivity(run, data, { kind: 'element', levels: [0.5, 1] });
  expect(found.baseline.accuracy).toBe(1);
  expect(found.curves.map(({ name }) => name)).toEqual(['a/kernel', 'b/kernel']);
  // Half of a: the four that hardly matter, with one of the two that do not; all of it: chance.
  expect(found.curves[0].points[0]).toMatchObject({ sparsity: 0.5, accuracy: 1 });
  expect(found.curves[0].points[1].accuracy).toBeLessThan(0.7);
  expect(run.model.getWeights().map((w) => w.dataSync().join())).toEqual(before);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(run.parameters.every((p) => run.mask(p) === undefined)).toBe(true);
});

test('filters and channels go with what is tied to them; what cannot go is told', async () => {
  const { run, data } = toy();
  for (const kind of ['filter', 'channel'] as const) {
    const found = await measureSensitivity(run, data, { kind, levels: [2 / 3, 1 / 3] });
    expect(found.curves).toHaveLength(1);
    expect(found.curves[0].name).toBe(kind === 'filter' ? 'a' : 'b/kernel');
    expect(found.curves[0].points.map(({ sparsity }) => sparsity)).toEqual([1 / 3, 2 / 3]);
    expect(found.curves[0].points[0].accuracy).toBe(1); // the unit that does nothing
    expect(found.refused).toEqual([
      kind === 'filter'
        ? { name: 'b/kernel', reason: 'b has a softmax over them' }
        : { name: 'a/kernel', reason: "they are the model's inputs" },
    ]);
    const start = suggestion(found, 0.01);
    expect(start).toEqual({
      use: '@espalier/pruners-structured#structuredAgp',
      options: {
        structure: kind === 'filter' ? 'filters' : 'channels',
        final: {
          [kind === 'filter' ? 'a/kernel' : 'b/kernel']:
            found.curves[0].points[1].accuracy === 1 ? 2 / 3 : 1 / 3,
        },
      },
      parameters: [kind === 'filter' ? 'a/kernel' : 'b/kernel'],
    });
  }
  await expect(
    measureSensitivity(run, data, { kind: 'filter', levels: [0.5], parameters: 'b/kernel' }),
  ).rejects.toThrow('no filter of these parameters can be pruned');
  await expect(measureSensitivity(run, data, { kind: 'filters' as never, levels: [0.5] })).rejects.toThrow(
    "Did you mean 'filter'?",
  );
});

test('tables, and what a drop allows', () => {
  const points = [
    { sparsity: 0.2, accuracy: 0.95, loss: 0.2 },
    { sparsity: 0.4, accuracy: 0.8, loss: 0.5 },
    { sparsity: 0.6, accuracy: 0.94, loss: 0.3 },
  ];
  const found = {
    kind: 'element',
    baseline: { accuracy: 0.96, loss: 0.1, size: 10 },
    curves: [
      { name: 'a,b', parameters: ['a'], points },
      { name: 'c', parameters: ['c'], points: points.slice(1) },
    ],
    refused: [],
  } as const;
  expect(sensitivityCsv(found).split('\n').slice(0, 4)).toEqual([
    'parameter,kind,sparsity,accuracy,loss',
    ',element,0,0.96,0.1',
    '"a,b",element,0.2,0.95,0.2',
    '"a,b",element,0.4,0.8,0.5',
  ]);
  expect([...bearable(found, 0.02).values()]).toEqual([0.2, 0]);
  expect(suggestion(found, 0.02)).toEqual({
    use: '@espalier/pruners#agp',
    options: { final: { a: 0.2 } },
    parameters: ['a'],
  });
  const page = renderSensitivity({ name: '<net>', ...found });
  expect(page).toContain('&lt;net&gt;: sensitivity to element pruning');
  expect(page.match(/<path class="h[01]"/g)).toHaveLength(4); // two lines and two keys
});
