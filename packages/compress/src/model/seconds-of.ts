import { perProduct } from '../time-budget.js';
import type { KernelCall } from './intercept.js';

/** Seconds that each number takes that a kernel writes, and each call. */
const perNumber = 1e-9;
const perCall = 1e-5;

type Sized = { readonly size: number; readonly shape: readonly number[] };

/** Products of two numbers that a kernel call adds up, about. */
function productsOf({ kernel, inputs, attrs }: KernelCall, written: number): number {
  if (/conv2d/i.test(kernel)) {
    const { filter, dy } = inputs as Readonly<Record<'filter' | 'dy', Sized>>;
    const inside = filter.size / (filter.shape.at(-1) as number);
    if (kernel === 'Conv2DBackpropInput') return dy.size * inside;
    return written * (kernel.includes('Depthwise') ? filter.shape[0] * filter.shape[1] : inside);
  }
  if (kernel !== 'BatchMatMul' && kernel !== '_FusedMatMul') return 0;
  return written * (inputs.a.shape.at(attrs.transposeA ? -2 : -1) as number);
}

/** About how many seconds a usual processor takes for a kernel call: what is counted on all machines alike. */
export function secondsOf(call: KernelCall, outputs: readonly Sized[]): number {
  const written = outputs.reduce((sum, { size }) => sum + size, 0);
  return perCall + perNumber * written + perProduct * productsOf(call, written);
}
