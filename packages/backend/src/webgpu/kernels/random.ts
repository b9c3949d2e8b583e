import * as tf from '@tensorflow/tfjs-core';
import type { RandomSeed } from '../../native/random.js';
import { elementwiseGrid, FLAT, type Kernel, type Launcher } from '../dispatch/kernel.js';
import { registerKernel } from './register.js';

/**
 * Philox 4x32 of ten rounds (Salmon et al. 2011): four words of the counter (thread, 0, 0, 0) and the seed as key. WGSL
 * has no product of 64 bits: its upper half is put together from those of halves.
 */
const philox = `
fn upper(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let other = al * bh + (middle & 0xffffu);
  return ah * bh + (middle >> 16u) + (other >> 16u);
}
fn philox(at: u32, seed: vec2u) -> vec4u {
  var c = vec4u(at, 0u, 0u, 0u);
  var key = seed;
  for (var round = 0u; round < 10u; round++) {
    let a = vec2u(upper(0xD2511F53u, c.x), 0xD2511F53u * c.x);
    let b = vec2u(upper(0xCD9E8D57u, c.z), 0xCD9E8D57u * c.z);
    c = vec4u(b.x ^ c.y ^ key.x, b.y, a.x ^ c.w ^ key.y, a.y);
    key += vec2u(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}`;

/** What four words become. */
const distributions = {
  // Box and Muller (1958): radii and angles. No radius is infinite, and a logarithm may be rounded to above 0.
  Normal: `
let radius = sqrt(max(vec2f(0.0), -2.0 * log((vec2f(words.xy) + 0.5) * 0x1p-32)));
let angle = vec2f(words.zw) * (6.283185307 * 0x1p-32);
let drawn = vec4f(radius * cos(angle), radius * sin(angle));`,
  Uniform: 'let drawn = vec4f(words >> vec4u(8u)) * 0x1p-24;',
} as const;

/** Four numbers a thread. */
const kernelOf = (name: keyof typeof distributions): Kernel => ({
  name: `StatelessRandom${name}`,
  writes: ['y'],
  reads: ['seed: i32'],
  params: ['size'],
  workgroup: [64, 1, 1],
  declarations: philox,
  body: `
let at = (${FLAT}) * 64u + lane;
let words = philox(at, vec2u(u32(seed[0]), u32(seed[1])));
${distributions[name]}
for (var k = 0u; k < 4u; k++) {
  if (at * 4u + k < p.size) { y[at * 4u + k] = drawn[k]; }
}`,
});

function draw(gpu: Launcher, kernel: Kernel, shape: readonly number[], seed: RandomSeed): tf.TensorInfo {
  const y = gpu.make(shape);
  const size = tf.util.sizeFromShape([...shape]);
  if (size === 0) return y;
  // Another one in every step: as a tensor, so that the dispatch stays the same.
  const key = gpu.backend.makeTensorInfo([2], 'int32', Int32Array.from(seed));
  gpu.run(kernel, [y, key], [size], elementwiseGrid(Math.ceil(size / 4)));
  gpu.backend.disposeData(key.dataId);
  return y;
}

/** Registers `StatelessRandomNormal` and `StatelessRandomUniform`, as on the native backend; see `statelessNormal`. */
export function registerRandom(): void {
  for (const name of ['Normal', 'Uniform'] as const) {
    const kernel = kernelOf(name);
    registerKernel(kernel.name, (gpu, _, attrs) =>
      draw(gpu, kernel, attrs.shape as number[], attrs.seed as RandomSeed),
    );
  }
}
