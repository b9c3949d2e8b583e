import type { ModelArtifacts } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** What `model.save` hands out. */
export async function artifactsOf(model: tfl.LayersModel): Promise<ModelArtifacts> {
  let artifacts: ModelArtifacts = {};
  await model.save({
    save: async (saved) => {
      artifacts = saved as ModelArtifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  return artifacts;
}

/** Numbers that are the same every time. */
export function noise(shape: number[], seed: number, scale = 1): tf.Tensor {
  return tf.randomNormal(shape, 0, scale, 'float32', seed);
}

/** Gives all weights seeded values; batch normalisation's variance stays positive. */
export function fill(model: tfl.LayersModel, seed: number): tfl.LayersModel {
  tf.tidy(() => {
    model.setWeights(
      model.weights.map(({ shape, originalName }, i) => {
        const sizes = shape as number[];
        const fan = Math.max(
          1,
          sizes.slice(0, -1).reduce((a, b) => a * b, 1),
        );
        const values = noise(sizes, seed + i, originalName.includes('kernel') ? 1 / Math.sqrt(fan) : 0.3);
        return originalName.includes('variance') || originalName.includes('gamma')
          ? tf.add(tf.abs(values), 0.4)
          : values;
      }),
    );
  });
  return model;
}

/** A small picture network: convolution, batch normalisation, depthwise and pointwise convolution, dense. */
export function pictureNet(): tfl.LayersModel {
  const { layers } = tfl;
  return fill(
    tfl.sequential({
      layers: [
        layers.conv2d({
          filters: 8,
          kernelSize: 3,
          inputShape: [12, 12, 3],
          useBias: false,
          padding: 'same',
          name: 'c1',
        }),
        layers.batchNormalization({ name: 'n1' }),
        layers.activation({ activation: 'relu' }),
        layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'same', useBias: false, name: 'd2' }),
        layers.batchNormalization({ name: 'n2' }),
        layers.conv2d({ filters: 16, kernelSize: 1, activation: 'relu', name: 'c3' }),
        layers.batchNormalization({ name: 'n3' }),
        layers.flatten(),
        layers.dense({ units: 5, activation: 'softmax', name: 'out' }),
      ],
    }),
    11,
  );
}
