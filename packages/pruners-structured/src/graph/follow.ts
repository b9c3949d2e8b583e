import { EspalierError, type Parameter } from '@espalier/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { flowThrough, given } from './rules/index.js';
import { Trace } from './trace.js';

/**
 * Follows the channels of a model from its inputs to its outputs.
 *
 * @param values - Whether to follow constants too, which reads the weights.
 * @param parameters - Those of a run, for groups that name the run's own.
 * @throws EspalierError `unsupported-layer` when the model has no graph yet
 */
export function follow(model: LayersModel, values = false, parameters?: readonly Parameter[]): Trace {
  if (!model.inputs?.length || !model.outputs?.length) {
    throw new EspalierError('unsupported-layer', `The model ${model.name} is not built.`, {
      remedy: 'Give its first layer an inputShape.',
    });
  }
  const trace = new Trace(model, values, parameters);
  const inputs = model.inputs.map((tensor) => given(tensor.shape.slice(1), trace));
  const outputs = flowThrough(model, [], inputs, trace);
  for (const { atoms } of outputs) trace.atoms.protect(atoms, "they are the model's outputs");
  return trace;
}
