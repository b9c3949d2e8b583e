import type * as tf from '@tensorflow/tfjs-core';
import { floats, type KernelCall, replaceKernel } from './heap.js';

/**
 * A clone, and a cast to the type that is there, share the memory of what they are of, as on TF.js's other backends: the stock
 * kernels copy it. No kernel writes into its inputs. What is cast to truth is 0 or 1, where the stock kernel lets a 3 be 3.
 */
export function registerIdentity(): void {
  replaceKernel('Identity', () => shared);
  replaceKernel('Cast', (stock) => (args) => {
    const { dtype } = args.inputs.x as tf.TensorInfo;
    if (dtype === args.attrs.dtype) return shared(args);
    return args.attrs.dtype === 'bool' ? truth(args) : (stock(args) as tf.TensorInfo);
  });
}

function truth({ inputs, backend }: KernelCall): tf.TensorInfo {
  const x = inputs.x as tf.TensorInfo;
  const out = backend.makeOutput(x.shape, 'bool');
  const [from, to] = [floats(backend, x), backend.typedArrayFromHeap(out)];
  for (let i = 0; i < to.length; i++) to[i] = from[i] === 0 ? 0 : 1;
  return out;
}

function shared({ inputs, backend }: KernelCall): tf.TensorInfo {
  const { dataId, shape, dtype } = inputs.x as tf.TensorInfo;
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}
