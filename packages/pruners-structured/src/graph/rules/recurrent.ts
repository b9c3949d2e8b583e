import type { Parameter } from '@espalier/core';
import { activate, type Flow, unknown } from '../flow.js';
import { affine, kernelMatrix } from '../matrix.js';
import { within } from '../places.js';
import type { Rule, Site, Trace } from '../trace.js';
import { mergeTwo } from './merge.js';
import { closed } from './opaque.js';
import { tile } from './shape.js';

/** Which of the gates along the last axis is the candidate: all of them but one multiply what it lets in. */
const candidateGate: Readonly<Record<string, number>> = {
  SimpleRNNCell: 0,
  GRUCell: 2,
  LSTMCell: 2,
  ConvLSTM2DCell: 2,
};

/**
 * Units of a recurrent layer: kernel `[…window, in, gates · units]`, recurrent kernel
 * `[…window, units, gates · units]`, bias `[gates · units]`. Unit u is entry g · units + u of every gate g.
 */
export const recurrent: Rule = (site, inputs, trace) => {
  const { layer } = site;
  const cell = layer.cell;
  const kind = cell?.getClassName() ?? '';
  if (cell === undefined || !(kind in candidateGate)) {
    return closed(site, inputs, trace, `has a ${kind || 'cell'} that this package does not follow`);
  }
  if (cell.dataFormat === 'channelsFirst')
    return closed(site, inputs, trace, "has data format 'channelsFirst'");
  const kernel = trace.needed(site, 'kernel');
  const state = trace.needed(site, 'recurrent_kernel');
  const bias = trace.weight(site, 'bias');
  const rank = state.shape.length;
  const units = state.shape[rank - 2];
  const gates = state.shape[rank - 1] / units;
  const [input, ...states] = inputs;

  const atoms = trace.produced(state, rank - 1, units);
  const gated = tile(atoms, gates * units);
  trace.bind(kernel, rank - 2, 'reads', input.atoms);
  trace.bind(kernel, rank - 1, 'produces', gated);
  trace.bind(state, rank - 2, 'reads', atoms);
  trace.bind(state, rank - 1, 'produces', gated);
  if (bias !== undefined) trace.bind(bias, 0, 'produces', gated);
  for (const initial of states) trace.atoms.union(initial.atoms, atoms);
  const own = layer.getClassName() === 'RNN' ? [...site.path, within.cell] : site.path;
  trace.size(own, kind === 'ConvLSTM2DCell' ? 'filters' : 'units', atoms);

  const constants = trace.values
    ? rests(trace, { ...site, path: own }, { kernel, state, bias, units, gates, kind, atoms, gated }, inputs)
    : unknown(units);
  return site.outputShapes.map((shape) => ({ shape, atoms, constants }));
};

interface Weights {
  readonly kernel: Parameter;
  readonly state: Parameter;
  readonly bias: Parameter | undefined;
  readonly units: number;
  readonly gates: number;
  readonly kind: string;
  readonly atoms: Int32Array;
  readonly gated: Int32Array;
}

/**
 * Which units stay at 0: those that start there and whose candidate is 0 at every step, since nothing but
 * units that stay at 0 enters it. (LSTM c = f·c + i·g, h = o·tanh(c); GRU h = z·h + (1-z)·g.)
 */
function rests(trace: Trace, site: Site, w: Weights, [input, ...states]: readonly Flow[]): Float64Array {
  const cell = site.layer.cell!;
  const { units, gates } = w;
  const input_ = kernelMatrix(trace.data(w.kernel), w.kernel.shape);
  const state = kernelMatrix(trace.data(w.state), w.state.shape);
  const foldable =
    cell.padding === undefined || cell.padding === 'valid' || !!cell.kernelSize?.every((k) => k === 1);
  const linear = affine(input_, input.constants, w.bias && trace.data(w.bias), foldable);
  const from = candidateGate[w.kind] * units;
  const zeroKept = activate(Float64Array.of(0), trace.ask, cell.activation)[0] === 0 && !site.layer.stateful;
  const rest = Array.from(
    { length: units },
    (_, u) => zeroKept && linear[from + u] === 0 && states.every((s) => s.constants[u] === 0),
  );
  for (let changed = true; changed; ) {
    changed = false;
    for (let u = 0; u < units; u++) {
      if (!rest[u]) continue;
      const disturbed = rest.some((r, v) => !r && state.nonzero[v * gates * units + from + u] === 1);
      if (!disturbed) continue;
      rest[u] = false;
      changed = true;
    }
  }
  const constants = Float64Array.from(rest, (r) => (r ? 0 : Number.NaN));
  const common = { path: site.path, outputs: w.gated, bias: w.bias };
  const reading = { ...common, matrix: input_, inputs: input.atoms, constants: input.constants.slice() };
  trace.read(w.kernel, { ...reading, foldable });
  trace.read(w.state, {
    ...common,
    matrix: state,
    inputs: w.atoms,
    constants: constants.slice(),
    foldable: false,
  });
  return constants;
}

/** Both directions are made from one configuration: unit u of one is tied to unit u of the other. */
export const bidirectional: Rule = (site, inputs, trace) => {
  const { forwardLayer, backwardLayer, mergeMode } = site.layer;
  if (inputs.length > 1 || forwardLayer === undefined || backwardLayer === undefined) {
    return closed(site, inputs, trace, 'is given initial states');
  }
  const path = [...site.path, within.layer];
  const states = site.layer.returnState ? (site.outputShapes.length - (mergeMode == null ? 2 : 1)) / 2 : 0;
  const outputShapes = new Array(1 + states).fill(site.outputShapes[0]);
  const run = (layer: unknown): readonly Flow[] =>
    recurrent({ layer: layer as Site['layer'], path, outputShapes }, inputs, trace);
  const [forward, ...forwardStates] = run(forwardLayer);
  const [backward, ...backwardStates] = run(backwardLayer);
  trace.atoms.union(forward.atoms, backward.atoms);
  const joined =
    mergeMode == null
      ? [forward, backward]
      : [{ shape: site.outputShapes[0], ...mergeTwo(mergeMode, forward, backward) }];
  return [...joined, ...forwardStates, ...backwardStates];
};
