import '@tensorflow/tfjs-backend-cpu';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { costsOf } from '../src/pipeline/costs.js';

const net = (units: number, seed: number) =>
  sequential({
    name: 'net',
    layers: [
      layers.dense({ name: 'in', units, inputShape: [8], trainable: seed < 5 }),
      layers.dropout({ name: 'drop', rate: 0.5, seed }),
      layers.dense({ name: 'out', units: 2 }),
    ],
  });

test('models of the same layers compute the same, whatever their seeds', async () => {
  const [dense, small] = await costsOf(net(4, 1), net(4, 9));
  expect(dense.macs).toBe(40);
  expect(small.inference?.map(({ faster }) => faster)).toEqual(['same', 'same']);
  expect(small.inference?.map(({ milliseconds }) => milliseconds)).toEqual(
    dense.inference?.map(({ milliseconds }) => milliseconds),
  );
});

test('models of other layers are compared in turns', async () => {
  const [dense, small] = await costsOf(net(4, 1), net(3, 1));
  expect([dense.macs, small.macs]).toEqual([40, 30]);
  for (const { faster } of small.inference ?? []) expect(faster).toMatchObject({ low: expect.any(Number) });
  expect(dense.inference?.[0].faster).toBeUndefined();
});
