import { attributes, type NativeBackend } from './ops.js';
import { multiply } from './resource.js';

/** How a gradient is masked on this backend. */
export interface Masking {
  /** The type its mask must have. */
  readonly dtype: 'bool' | 'float32';
  /** The masked gradient, by ids; the caller deletes it. */
  apply(gradient: number, mask: number): number;
}

const known = new WeakMap<NativeBackend, Masking>();

/** Our own op where the addon has it (see addon/mask-op.cc), else TensorFlow's product. */
export function masking(backend: NativeBackend): Masking {
  let found = known.get(backend);
  if (!found) {
    found = !backend.isUsingGpuDevice && hasOp(backend) ? ownOp(backend) : product(backend);
    known.set(backend, found);
  }
  return found;
}

function ownOp(backend: NativeBackend): Masking {
  return {
    dtype: 'bool',
    apply: (gradient, mask) => backend.binding.executeOp('EspalierMask', [], [gradient, mask], 1)[0].id,
  };
}

function product(backend: NativeBackend): Masking {
  return { dtype: 'float32', apply: (gradient, mask) => multiply(backend, gradient, mask) };
}

function hasOp(backend: NativeBackend): boolean {
  const { binding } = backend;
  const x = binding.createTensor([2], binding.TF_FLOAT, Float32Array.of(3, 5));
  const zero = binding.createTensor([2], binding.TF_FLOAT, Float32Array.of(0, 1));
  const to = attributes(binding);
  const cast = [to.type('SrcT', 'float32'), { ...to.type('DstT', 'float32'), value: binding.TF_BOOL }];
  const [{ id: mask }] = binding.executeOp('Cast', [...cast, to.bool('Truncate', false)], [zero], 1);
  const made = [x, zero, mask];
  try {
    const masked = ownOp(backend).apply(x, mask);
    made.push(masked);
    return binding.tensorDataSync(masked).join() === '0,5';
  } catch {
    return false;
  } finally {
    for (const id of made) binding.deleteTensor(id);
  }
}
