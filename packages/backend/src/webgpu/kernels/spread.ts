import * as tf from '@tensorflow/tfjs-core';
import { has, replaceGradient } from '../../gradients.js';
import { elementwise, elementwiseGrid, type Kernel, launcher } from '../dispatch/kernel.js';
import { middle } from './reduce.js';

const NAME = 'EspalierSpread';

/** dx [outer, length, inner] from dy [outer, inner]. */
const spread = (type: 'f32' | 'vec4f'): Kernel =>
  elementwise({
    name: `${NAME}/${type}`,
    writes: [`dx: ${type}`],
    reads: [`dy: ${type}`],
    params: ['inner', 'both', 'scale: f32'],
    body: 'dx[i] = dy[i / p.both * p.inner + i % p.inner] * p.scale;',
  });
const ofOne: Kernel = spread('f32');
const ofFour: Kernel = spread('vec4f');

interface SpreadAttributes {
  readonly shape: number[];
  readonly axes: number[];
  readonly scale: number;
}

/**
 * The gradients of Sum and Mean in one program. TF.js multiplies with a tensor of ones of the whole shape, which it
 * makes in JavaScript and uploads in every step.
 */
export function registerSpread(): void {
  if (!tf.getKernel(NAME, 'webgpu')) {
    tf.registerKernel({
      kernelName: NAME,
      backendName: 'webgpu',
      kernelFunc: ({ inputs, attrs }) => {
        const { shape, axes, scale } = attrs as unknown as SpreadAttributes;
        const [, length, inner] = middle(shape, axes)!;
        const size = tf.util.sizeFromShape(shape);
        const gpu = launcher();
        const dx = gpu.make(shape);
        const four = inner % 4 === 0 ? 4 : 1;
        const params = [size / four, inner / four, (inner * length) / four, scale];
        const kernel = four === 4 ? ofFour : ofOne;
        if (size > 0) gpu.run(kernel, [dx, inputs.dy!], params, elementwiseGrid(size / four));
        return dx;
      },
    });
  }
  for (const name of ['Sum', 'Mean']) {
    replaceGradient(name, (dy, [x], attrs) => {
      const axes = tf.util.parseAxisParam((attrs as unknown as { axis: number[] }).axis, x.shape);
      const sizes = middle(x.shape, axes);
      if (sizes === undefined || !has(NAME, [dy, x])) return undefined;
      const scale = name === 'Mean' ? 1 / sizes[1] : 1;
      return {
        x: () => tf.engine().runKernel(NAME, { dy }, { shape: [...x.shape], axes, scale }) as tf.Tensor,
      };
    });
  }
}
