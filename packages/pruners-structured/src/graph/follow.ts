import { EspalierError, type Parameter, parametersOf, readLater } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Ask } from './flow.js';
import { flowThrough, given } from './rules/index.js';
import { type Known, Trace } from './trace.js';

/**
 * Follows the channels of a model from its inputs to its outputs.
 *
 * @param parameters - Those of a run, for groups that name the run's own.
 * @param known - To follow constants, too.
 * @throws EspalierError `unsupported-layer` when the model has no graph yet
 */
export function follow(model: LayersModel, parameters?: readonly Parameter[], known?: Known): Trace {
  if (!model.inputs?.length || !model.outputs?.length) {
    throw new EspalierError('unsupported-layer', `The model ${model.name} is not built.`, {
      remedy: 'Give its first layer an inputShape.',
    });
  }
  const trace = new Trace(model, parameters, known);
  const inputs = model.inputs.map((tensor) => given(tensor.shape.slice(1), trace));
  const outputs = flowThrough(model, [], inputs, trace);
  for (const { atoms } of outputs) trace.atoms.protect(atoms, "they are the model's outputs");
  return trace;
}

/**
 * Follows channels and their constants. Functions of constants are computed by TF.js and read asynchronously: a walk
 * that asks for what is not known yet ends there, and another one begins when it is.
 *
 * @throws EspalierError `unsupported-layer` when the model has no graph yet
 */
export async function followConstants(model: LayersModel): Promise<Trace> {
  const parameters = parametersOf(model);
  const weights = await readLater(
    () => parameters.map(({ variable }) => variable),
    (numbers) => new Map(parameters.map(({ name }, i) => [name, numbers[i]])),
  );
  const answers: Float32Array[] = [];
  const unanswered = Symbol('unanswered');
  for (;;) {
    let asked = 0;
    let question: (() => tf.Tensor) | undefined;
    const ask: Ask = (make) => {
      const answer = answers[asked++];
      if (answer !== undefined) return answer;
      question = make;
      throw unanswered;
    };
    try {
      return follow(model, parameters, { weights, ask });
    } catch (stopped) {
      if (stopped !== unanswered) throw stopped;
    }
    answers.push(
      await readLater(
        () => [question!()],
        ([values]) => values,
      ),
    );
  }
}
