import type { Parameter } from '@espalier/core';
import { activate, type Flow, isSoftmax, unknown } from '../flow.js';
import { affine, kernelMatrix, type Matrix, separableMatrix } from '../matrix.js';
import { nameOf } from '../places.js';
import type { Rule, Site, Trace } from '../trace.js';
import { channelsLast } from './opaque.js';

/** Is the window a single position, or never over the edge? Then a constant stays one. */
function seesNoPadding({ padding, kernelSize = [] }: Site['layer']): boolean {
  return padding === undefined || padding === 'valid' || kernelSize.every((k) => k === 1);
}

/** The tail of every layer that makes channels out of others: what it reads, its bias, its activation. */
function finish(
  trace: Trace,
  site: Site,
  input: Flow,
  output: { readonly kernel: Parameter; readonly atoms: Int32Array; readonly foldable: boolean },
  matrix: () => Matrix,
): readonly Flow[] {
  const { atoms, foldable, kernel } = output;
  const bias = trace.weight(site, 'bias');
  if (bias !== undefined) trace.bind(bias, 0, 'produces', atoms);
  const { activation } = site.layer;
  if (isSoftmax(activation)) trace.atoms.protect(atoms, `${nameOf(site.path)} has a softmax over them`);
  let constants = unknown(atoms.length);
  if (trace.values) {
    const reading = {
      path: site.path,
      matrix: trace.reads.get(kernel.name)?.matrix ?? matrix(),
      inputs: input.atoms,
      outputs: atoms,
      constants: input.constants.slice(),
      foldable,
      bias,
    };
    trace.read(kernel, reading);
    const linear = affine(
      reading.matrix,
      input.constants,
      bias === undefined ? undefined : trace.data(bias),
      foldable,
    );
    if (!isSoftmax(activation)) constants = activate(linear, trace.ask, activation);
  }
  return [{ shape: site.outputShapes[0], atoms, constants }];
}

/** Dense and convolutions: kernel `[…window, in, out]`; transposed ones `[…window, out, in]`. */
const kernelLayer =
  (size: 'units' | 'filters', transposed = false): Rule =>
  (site, [input], trace) => {
    const kernel = trace.needed(site, 'kernel');
    const rank = kernel.shape.length;
    const [inAxis, outAxis] = transposed ? [rank - 1, rank - 2] : [rank - 2, rank - 1];
    const atoms = trace.produced(kernel, outAxis, kernel.shape[outAxis]);
    trace.bind(kernel, inAxis, 'reads', input.atoms);
    trace.bind(kernel, outAxis, 'produces', atoms);
    trace.size(site.path, size, atoms);
    // At the edges of a transposed convolution fewer products meet: a constant input does not stay one.
    const foldable = !transposed && (size === 'units' || seesNoPadding(site.layer));
    return finish(trace, site, input, { kernel, atoms, foldable }, () =>
      kernelMatrix(trace.data(kernel), kernel.shape, transposed),
    );
  };

/** A depthwise convolution `[…window, in, multiplier]` and a pointwise one `[…1, in * multiplier, out]`. */
const separable: Rule = (site, [input], trace) => {
  const depthwise = trace.needed(site, 'depthwise_kernel');
  const pointwise = trace.needed(site, 'pointwise_kernel');
  const rank = pointwise.shape.length;
  const multiplier = depthwise.shape[rank - 1];
  const atoms = trace.produced(pointwise, rank - 1, pointwise.shape[rank - 1]);
  trace.bind(depthwise, rank - 2, 'reads', input.atoms);
  trace.bind(pointwise, rank - 2, 'reads', repeat(input.atoms, multiplier));
  trace.bind(pointwise, rank - 1, 'produces', atoms);
  trace.size(site.path, 'filters', atoms);
  const output = { kernel: pointwise, atoms, foldable: seesNoPadding(site.layer) };
  return finish(trace, site, input, output, () =>
    separableMatrix(
      kernelMatrix(trace.data(depthwise), depthwise.shape),
      kernelMatrix(trace.data(pointwise), pointwise.shape),
    ),
  );
};

/** Each channel by itself: outputs `channel * multiplier + k` go with channel `channel`. */
const depthwise: Rule = (site, [input], trace) => {
  const kernel = trace.needed(site, 'depthwise_kernel');
  const bias = trace.weight(site, 'bias');
  const multiplier = kernel.shape[3];
  const atoms = repeat(input.atoms, multiplier);
  trace.bind(kernel, 2, 'carries', input.atoms);
  if (bias !== undefined) trace.bind(bias, 0, 'carries', atoms);
  if (isSoftmax(site.layer.activation)) {
    trace.atoms.protect(atoms, `${nameOf(site.path)} has a softmax over them`);
  }
  let constants = unknown(atoms.length);
  if (trace.values) {
    const matrix = kernelMatrix(trace.data(kernel), kernel.shape);
    const stays = seesNoPadding(site.layer);
    const linear = constants.map((_, at) => {
      const [i, k] = [Math.floor(at / multiplier), at % multiplier];
      const start = bias === undefined ? 0 : trace.data(bias)[at];
      if (input.constants[i] === 0 || matrix.nonzero[at] === 0) return start;
      return stays ? start + input.constants[i] * matrix.row(i)[k] : Number.NaN;
    });
    if (!isSoftmax(site.layer.activation)) constants = activate(linear, trace.ask, site.layer.activation);
  }
  return [{ shape: site.outputShapes[0], atoms, constants }];
};

/** Integers in, rows of the table out. */
const embedding: Rule = (site, [input], trace) => {
  const table = trace.needed(site, 'embeddings');
  const [rows, n] = table.shape;
  trace.atoms.protect(input.atoms, `${nameOf(site.path)} looks them up in its table`);
  const atoms = trace.produced(table, 1, n);
  trace.bind(table, 1, 'produces', atoms);
  trace.size(site.path, 'output_dim', atoms);
  const constants = unknown(n);
  if (trace.values) {
    const values = trace.data(table);
    constants.set(values.subarray(0, n));
    for (let r = 1; r < rows; r++) {
      for (let j = 0; j < n; j++) if (values[r * n + j] !== constants[j]) constants[j] = Number.NaN;
    }
  }
  return [{ shape: site.outputShapes[0], atoms, constants }];
};

/** Each entry `n` times in a row. */
export function repeat(atoms: Int32Array, n: number): Int32Array {
  return Int32Array.from({ length: atoms.length * n }, (_, i) => atoms[Math.floor(i / n)]);
}

export const producers: Readonly<Record<string, Rule>> = {
  Dense: kernelLayer('units'),
  Conv1D: channelsLast(kernelLayer('filters')),
  Conv2D: channelsLast(kernelLayer('filters')),
  Conv3D: channelsLast(kernelLayer('filters')),
  Conv2DTranspose: channelsLast(kernelLayer('filters', true)),
  Conv3DTranspose: channelsLast(kernelLayer('filters', true)),
  SeparableConv2D: channelsLast(separable),
  DepthwiseConv2D: channelsLast(depthwise),
  Embedding: embedding,
};
