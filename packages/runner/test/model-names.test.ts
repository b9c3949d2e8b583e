import '@tensorflow/tfjs-backend-cpu';
import { input, layers, model, type SymbolicTensor, sequential } from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { makeModel } from '../src/pipeline/model.js';

/** Two models side by side, each with one layer. */
function pair(first: string, second: string) {
  const part = (name: string) => sequential({ layers: [layers.dense({ units: 2, inputShape: [3], name })] });
  const x = input({ shape: [3] });
  const ends = [part(first), part(second)].map((inner) => inner.apply(x) as SymbolicTensor);
  return model({ inputs: x, outputs: layers.concatenate().apply(ends) as SymbolicTensor });
}

const made = (first: string, second: string) =>
  makeModel({ model: () => pair(first, second), name: 'pair' } as never, '.', [3]);

it('a model that TF.js could not load again is refused before it is trained', async () => {
  await expect(made('same', 'same')).rejects.toMatchObject({
    code: 'bad-model',
    message: expect.stringMatching(/'same\/kernel'.*differently/s),
  });
  expect((await made('left', 'right')).weights).toHaveLength(4);
});
