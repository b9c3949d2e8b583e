import type * as tf from '@tensorflow/tfjs-core';

/** Sizes of a convolution or a pooling with channels last. */
export type Geometry = tf.backend_util.Conv2DInfo;

/** The geometry as WGSL's constants, everything but the batch's size; and a key that says the same. */
export function constants(g: Geometry): { text(): string; readonly key: string } {
  const numbers = {
    IN_H: g.inHeight,
    IN_W: g.inWidth,
    IN_C: g.inChannels,
    OUT_H: g.outHeight,
    OUT_W: g.outWidth,
    OUT_C: g.outChannels,
    F_H: g.filterHeight,
    F_W: g.filterWidth,
    STRIDE_H: g.strideHeight,
    STRIDE_W: g.strideWidth,
    DILATION_H: g.dilationHeight,
    DILATION_W: g.dilationWidth,
    TOP: g.padInfo.top,
    LEFT: g.padInfo.left,
  };
  return {
    text: () =>
      Object.entries(numbers)
        .map(([name, value]) => `const ${name}: i32 = ${value};`)
        .join('\n'),
    key: Object.values(numbers).join(','),
  };
}
