import * as tf from '@tensorflow/tfjs-core';
import { launcher } from '../dispatch/kernel.js';
import { replaceKernel } from '../dispatch/replace.js';
import { finishOf } from './finish.js';
import { multiply, type Operand, type Product } from './gemm.js';
import { constants, type Geometry } from './geometry.js';

/** A matrix [k, n] as it lies in y. */
const rowsOf = (n: number): Operand => ({
  declarations: () => '',
  along: 'outer',
  vector: n % 4 === 0 ? 'outer' : undefined,
  outer: () => '',
  place: (s) => `Place(k${s} * p.n + o${s}, (o${s} < vec4i(p.n)) & vec4<bool>(k${s} < p.k))`,
});

/** The forward pass: m output positions, n output channels, k places in the filter. */
export function forward(g: Geometry): Product {
  const { text, key } = constants(g);
  return {
    name: `conv/${key}`,
    a: {
      declarations: () => `${text()}
fn patch_at(k: i32, o: vec4i, row: vec4i, column: vec4i, at: vec4i) -> Place {
  let tap = k / IN_C;
  let dy = (tap / F_W) * DILATION_H;
  let dx = (tap % F_W) * DILATION_W;
  let r = row + dy;
  let c = column + dx;
  let inside = (o < vec4i(p.m)) & vec4<bool>(k < p.k) &
    (r >= vec4i(0)) & (r < vec4i(IN_H)) & (c >= vec4i(0)) & (c < vec4i(IN_W));
  return Place(at + ((dy * IN_W + dx) * IN_C + k - tap * IN_C), inside);
}`,
      along: g.inChannels * g.filterWidth > 8 ? 'k' : 'outer',
      vector: g.inChannels % 4 === 0 ? 'k' : undefined,
      outer: (s) => `
let image${s} = o${s} / (OUT_H * OUT_W);
let place${s} = o${s} - image${s} * (OUT_H * OUT_W);
let row${s} = (place${s} / OUT_W) * STRIDE_H - TOP;
let column${s} = (place${s} % OUT_W) * STRIDE_W - LEFT;
let at${s} = ((image${s} * IN_H + row${s}) * IN_W + column${s}) * IN_C;`,
      place: (s) => `patch_at(k${s}, o${s}, row${s}, column${s}, at${s})`,
    },
    b: rowsOf(g.outChannels),
    m: g.batchSize * g.outHeight * g.outWidth,
    n: g.outChannels,
    k: g.filterHeight * g.filterWidth * g.inChannels,
  };
}

/** The gradient of the filter: m places in the filter, n output channels, k output positions of all images. */
export function filterGradient(g: Geometry): Product {
  const { text, key } = constants(g);
  return {
    name: `conv-filter/${key}`,
    a: {
      declarations: () => `${text()}
fn tap_at(k: i32, o: vec4i, row: vec4i, column: vec4i, at: vec4i) -> Place {
  let image = k / (OUT_H * OUT_W);
  let place = k - image * (OUT_H * OUT_W);
  let y0 = (place / OUT_W) * STRIDE_H;
  let x0 = (place % OUT_W) * STRIDE_W;
  let r = row + y0;
  let c = column + x0;
  let inside = (o < vec4i(p.m)) & vec4<bool>(k < p.k) &
    (r >= vec4i(0)) & (r < vec4i(IN_H)) & (c >= vec4i(0)) & (c < vec4i(IN_W));
  return Place(at + ((image * IN_H + y0) * IN_W + x0) * IN_C, inside);
}`,
      along: 'outer',
      vector: g.inChannels % 4 === 0 ? 'outer' : undefined,
      outer: (s) => `
let tap${s} = o${s} / IN_C;
let row${s} = (tap${s} / F_W) * DILATION_H - TOP;
let column${s} = (tap${s} % F_W) * DILATION_W - LEFT;
let at${s} = (row${s} * IN_W + column${s}) * IN_C + o${s} % IN_C;`,
      place: (s) => `tap_at(k${s}, o${s}, row${s}, column${s}, at${s})`,
    },
    b: rowsOf(g.outChannels),
    m: g.filterHeight * g.filterWidth * g.inChannels,
    n: g.outChannels,
    k: g.batchSize * g.outHeight * g.outWidth,
  };
}

/** The gradient of the input: m input positions, n input channels, k places in the filter by output channel. */
export function inputGradient(g: Geometry): Product {
  const { text, key } = constants(g);
  return {
    name: `conv-input/${key}`,
    a: {
      declarations: () => `${text()}
fn slope_at(k: i32, o: vec4i, image: vec4i, row: vec4i, column: vec4i) -> Place {
  let tap = k / OUT_C;
  let y = row - (tap / F_W) * DILATION_H;
  let x = column - (tap % F_W) * DILATION_W;
  let r = y / STRIDE_H;
  let c = x / STRIDE_W;
  let inside = (o < vec4i(p.m)) & vec4<bool>(k < p.k) & (r * STRIDE_H == y) & (c * STRIDE_W == x) &
    (y >= vec4i(0)) & (r < vec4i(OUT_H)) & (x >= vec4i(0)) & (c < vec4i(OUT_W));
  return Place(((image * OUT_H + r) * OUT_W + c) * OUT_C + (k - tap * OUT_C), inside);
}`,
      along: 'k',
      vector: g.outChannels % 4 === 0 ? 'k' : undefined,
      outer: (s) => `
let image${s} = o${s} / (IN_H * IN_W);
let place${s} = o${s} - image${s} * (IN_H * IN_W);
let row${s} = place${s} / IN_W + TOP;
let column${s} = place${s} % IN_W + LEFT;`,
      place: (s) => `slope_at(k${s}, o${s}, image${s}, row${s}, column${s})`,
    },
    b: {
      declarations: () => '',
      along: 'k',
      vector: g.outChannels % 4 === 0 ? 'k' : undefined,
      outer: () => '',
      // The filter [place, n, output channel]: k runs over places and output channels.
      place: (s) =>
        `Place(((k${s} / OUT_C) * p.n + o${s}) * OUT_C + k${s} % OUT_C, (o${s} < vec4i(p.n)) & vec4<bool>(k${s} < p.k))`,
    },
    m: g.batchSize * g.inHeight * g.inWidth,
    n: g.inChannels,
    k: g.filterHeight * g.filterWidth * g.outChannels,
  };
}

interface ConvAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape?: [number, number, number, number];
  readonly inputShape?: [number, number, number, number];
}

/** The geometry of a convolution that ours computes, or undefined for one that is left to TF.js. */
function geometry(
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: ConvAttributes,
  tensors: readonly tf.TensorInfo[],
): Geometry | undefined {
  if (attrs.dataFormat === 'NCHW' || tensors.some(({ dtype }) => dtype !== 'float32')) return undefined;
  const { strides, dilations = 1, pad, dimRoundingMode } = attrs;
  const x = xShape as [number, number, number, number];
  const filter = filterShape as [number, number, number, number];
  const g = tf.backend_util.computeConv2DInfo(x, filter, strides, dilations, pad, dimRoundingMode);
  const sizes = [...g.inShape, ...g.outShape, ...g.filterShape];
  return sizes.includes(0) ? undefined : g;
}

/** Registers Conv2D and its gradients as tiled products with long sums cut into parts. */
export function registerConv2d(): void {
  replaceKernel('FusedConv2D', (stock) => (args) => {
    const { x, filter, bias } = args.inputs as Record<string, tf.TensorInfo | undefined>;
    const attrs = args.attrs as unknown as ConvAttributes & { activation: string };
    const g = geometry(x!.shape, filter!.shape, attrs, [x!, filter!]);
    const finish = finishOf(bias, g?.outChannels ?? 0, attrs.activation);
    return g && finish
      ? multiply(launcher(), forward(g), [x!, filter!], g.outShape, { finish })
      : stock(args);
  });
  replaceKernel('Conv2D', (stock) => (args) => {
    const { x, filter } = args.inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
    const g = geometry(x.shape, filter.shape, args.attrs as unknown as ConvAttributes, [x, filter]);
    return g ? multiply(launcher(), forward(g), [x, filter], g.outShape) : stock(args);
  });
  replaceKernel('Conv2DBackpropFilter', (stock) => (args) => {
    const { x, dy } = args.inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
    const attrs = args.attrs as unknown as ConvAttributes;
    const g = geometry(x.shape, attrs.filterShape!, attrs, [x, dy]);
    return g ? multiply(launcher(), filterGradient(g), [x, dy], g.filterShape) : stock(args);
  });
  replaceKernel('Conv2DBackpropInput', (stock) => (args) => {
    const { dy, filter } = args.inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
    const attrs = args.attrs as unknown as ConvAttributes;
    const g = geometry(attrs.inputShape!, filter.shape, attrs, [dy, filter]);
    return g ? multiply(launcher(), inputGradient(g), [dy, filter], g.inShape) : stock(args);
  });
}
