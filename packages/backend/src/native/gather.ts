import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './kernels.js';
import { attributes, nativeBackend } from './ops.js';

/** TensorFlow's numbers of the types that are gathered and that indices have. */
const typed = (name: string, { dtype }: tf.TensorInfo) => {
  const { binding } = nativeBackend();
  const type = { float32: binding.TF_FLOAT, int32: binding.TF_INT32, bool: binding.TF_BOOL }[
    dtype as 'int32'
  ];
  return { name, type: binding.TF_ATTR_TYPE, value: type };
};

/**
 * Gathers without reading the indices first, as the stock kernel does to see whether they are in range: TensorFlow looks
 * itself. So an embedding or shared values wait for nothing, and a step that has them can be replayed.
 */
export function registerGather(): void {
  replaceKernel('GatherV2', (stock) => (args) => {
    const { x, indices } = args.inputs as { x: tf.Tensor; indices: tf.Tensor };
    const { axis, batchDims } = args.attrs as unknown as { axis: number; batchDims: number };
    const known = ['float32', 'int32', 'bool'].includes(x.dtype) && indices.dtype === 'int32';
    const backend = nativeBackend();
    if (!known || backend.isUsingGpuDevice) return stock(args); // On a GPU nobody looks.
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims);
    const make = attributes(backend.binding);
    const op = [
      make.int('batch_dims', batchDims),
      typed('Tparams', x),
      typed('Tindices', indices),
      make.type('Taxis', 'int32'),
    ];
    const along = tf.scalar(axis, 'int32');
    try {
      return backend.executeSingleOutput('GatherV2', op, [x, indices, along]);
    } catch (cause) {
      throw new Error(`GatherV2: ${(cause as Error).message.replace(/^Invalid[\s\S]*Message: /, '')}`, {
        cause,
      });
    } finally {
      along.dispose();
    }
  });
}
