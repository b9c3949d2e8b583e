import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { callsOf } from '../graph/calls.js';
import { type Inside, inside } from '../graph/inside.js';
import { probe } from '../graph/probe.js';
import { gathered } from '../structures/slice.js';
import type { Structures } from '../structures/structures.js';
import type { Tied } from '../structures/tied.js';
import type { Observation } from './observed.js';

const functions = ['Activation', 'ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'PReLU'];

/** Does the layer end in a function other than the identity? */
function activates(layer: Inside): boolean {
  const { activation, cell } = layer;
  if (cell !== undefined) return true;
  if (activation != null) return activation.getClassName() !== 'linear';
  return functions.includes(layer.getClassName());
}

/** All layers of a model that a layer's output depends on, itself included. */
function ancestors(tensor: SymbolicTensor, seen: Set<layers.Layer> = new Set()): Set<layers.Layer> {
  const layer = tensor.sourceLayer;
  if (seen.has(layer)) return seen;
  seen.add(layer);
  for (const node of inside(layer).inboundNodes) {
    for (const input of node.inputTensors) if (input !== tensor) ancestors(input, seen);
  }
  return seen;
}

/** Where the units of a set are looked at: the first activation after each layer that makes them. */
interface Point {
  readonly set: Structures;
  readonly layer: string;
  /** Unit of each channel. */
  readonly units: Int32Array;
}

function pointsOf(owner: string, model: LayersModel, sets: readonly Structures[], tied: Tied): Point[] {
  const points: Point[] = [];
  const order = model.layers.filter((layer) => tied.trace.outputs.has(layer.name));
  for (const set of sets) {
    const makers = new Set(set.scored.map(({ parameter }) => parameter.layer));
    const chosen = new Set<string>();
    for (const maker of makers) {
      const found = order.find((layer) => {
        if (!activates(inside(layer)) || !unitsIn(layer.name, set, tied).some((unit) => unit >= 0))
          return false;
        return layer === maker || ancestors(inside(layer).inboundNodes[0].outputTensors[0]).has(maker);
      });
      if (found === undefined) {
        throw new EspalierError('unsupported-layer', `${owner}: no activation follows ${maker.name}.`, {
          remedy:
            'Activations are looked at in layers of the model itself, not of nested models or wrappers; choose another criterion.',
        });
      }
      chosen.add(found.name);
    }
    for (const layer of chosen) points.push({ set, layer, units: unitsIn(layer, set, tied) });
  }
  return points;
}

function unitsIn(layer: string, { group }: Structures, { trace, place }: Tied): Int32Array {
  return trace.outputs.get(layer)!.atoms.map((atom) => {
    const at = place(atom);
    return at !== undefined && at.group === group ? at.unit : -1;
  });
}

/**
 * A mean over each unit's activations (batch and positions), as at inference.
 *
 * @param f - What is averaged.
 */
export function activations(f: (a: tf.Tensor) => tf.Tensor): Observation {
  return ({ owner, run, sets, tied }) => {
    if (tied === undefined) {
      throw new EspalierError('invalid-option', `${owner}: activations are of filters, units and channels.`, {
        remedy: 'Choose a criterion of the weights, or leave out tied: false.',
      });
    }
    const points = pointsOf(owner, run.model, sets, tied);
    const calls = callsOf(run.model as unknown as Inside);
    const ends = points.map(({ layer }) => calls.get(run.model.getLayer(layer))![0].outputTensors[0]);
    const look = probe(run.model, ends);
    return ({ inputs }) => {
      const found = new Map<Structures, tf.Tensor>();
      const counts = new Map<Structures, Float32Array>();
      const outputs = look(inputs);
      for (const [i, { set, units }] of points.entries()) {
        const means = tf.mean(f(tf.reshape(outputs[i], [-1, units.length])), 0) as tf.Tensor1D;
        const own = gathered(units, means, set.size);
        const sum = found.get(set);
        found.set(set, sum === undefined ? own : tf.add(sum, own));
        const count = counts.get(set) ?? new Float32Array(set.size);
        counts.set(set, count);
        for (const unit of units) if (unit >= 0) count[unit]++;
      }
      for (const [set, sum] of found) found.set(set, tf.div(sum, tf.tensor1d(counts.get(set)!)));
      return found;
    };
  };
}

/** 1 - APoZ: the share of activations > 0 (Hu et al. 2016, "Network trimming", eq. 1). */
export const positiveShare = (a: tf.Tensor): tf.Tensor => tf.cast(tf.greater(a, 0), 'float32');
