/**
 * Which weights belong together, in TF.js layouts (dense `[in, out]`, conv2d `[h, w, in, out]`):
 *
 * - `'filters'`: all that makes one output channel or unit;
 * - `'channels'`: all that reads one input channel or unit;
 * - `'rows'`, `'columns'`: of a matrix `[in, out]`, a row per input and a column per output;
 * - `'kernels'`: one 2-D (1-D, 3-D) window of a convolution;
 * - `'units'`: what comes into one hidden unit, over all gates and all selected tensors of its layer (kernel,
 *   recurrent kernel, bias);
 * - `'blocks'`: rectangles of the size `block`;
 * - `'layer'`: the whole tensor;
 * - `'elements'`: each weight by itself.
 */
export type PenalisedStructure =
  | 'filters'
  | 'channels'
  | 'rows'
  | 'columns'
  | 'kernels'
  | 'units'
  | 'blocks'
  | 'layer'
  | 'elements';

/** All of them. */
export const structures: readonly PenalisedStructure[] = [
  'filters',
  'channels',
  'rows',
  'columns',
  'kernels',
  'units',
  'blocks',
  'layer',
  'elements',
];
