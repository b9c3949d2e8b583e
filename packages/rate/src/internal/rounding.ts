import { EspalierError, type Parameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { owner } from '../options.js';
import { roundedSteps } from './penalty.js';

/** How TF.js's layers keep a weight. */
interface LayerWeight {
  val: tf.Variable;
  read(): tf.Tensor;
}

/** The weight of a layer that a parameter stands for. @throws EspalierError `unsupported-layer` */
export function layerWeight(parameter: Parameter): LayerWeight {
  const weights = parameter.layer.weights as unknown as readonly LayerWeight[];
  const found = weights.find(({ val }) => val === parameter.variable);
  if (found !== undefined) return found;
  throw new EspalierError('unsupported-layer', `${owner}: ${parameter.name} is no weight of its layer.`, {
    remedy: 'Leave it out of the schedule.',
  });
}

/** exp, then cut to few bits, straight through. */
function stepsOf(logSteps: tf.Tensor): tf.Tensor {
  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const steps = roundedSteps(args[0] as tf.Tensor);
    save([steps]);
    return { value: steps, gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(dy, saved) };
  });
  return compute(logSteps);
}

/**
 * A tensor at its levels: step · round(w / step). The weights' gradient goes straight through (Bengio et al. 2013); the
 * step's is that of Esser et al. 2020: round(v) - v, v = w / step.
 *
 * @param step - [1]
 */
function atLevels(weights: tf.Tensor, step: tf.Tensor): tf.Tensor {
  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const [w, s] = args as tf.Tensor[];
    const v = tf.div(w, s);
    const level = tf.round(v);
    save([tf.sub(level, v)]);
    return {
      value: tf.mul(level, s),
      gradFunc: (dy: tf.Tensor, [moved]: tf.Tensor[]) => [
        tf.clone(dy),
        tf.reshape(tf.sum(tf.mul(dy, moved)), [1]),
      ],
    };
  });
  return compute(weights, step);
}

/**
 * Puts weights at their levels, as the quantizer brings them there, and returns what puts them back.
 *
 * @param logSteps - [parameters]
 */
export function putAtLevels(of: readonly Parameter[], logSteps: tf.Tensor): () => void {
  const kept = of.map(({ variable }) => tf.clone(variable as tf.Tensor));
  tf.tidy(() => {
    const steps = tf.split(roundedSteps(logSteps), of.length);
    for (const [i, { variable }] of of.entries()) {
      const levels = tf.round(tf.div(variable, steps[i]));
      variable.assign(tf.add(tf.mul(levels, steps[i]), 0)); // -0 becomes 0.
    }
  });
  return () => {
    for (const [i, { variable }] of of.entries()) variable.assign(kept[i]);
    tf.dispose(kept);
  };
}

/**
 * Calls `pass` while the layers of parameters read them at their levels.
 *
 * @param logSteps - [parameters]
 * @throws EspalierError `invalid-schedule` where a layer does not read its weights
 */
export function passAtLevels<T>(of: readonly Parameter[], logSteps: tf.Tensor, pass: () => T): T {
  const steps = stepsOf(logSteps);
  const read = new Set<Parameter>();
  const shadowed: LayerWeight[] = [];
  let outputs: T;
  try {
    for (const [i, parameter] of of.entries()) {
      const weight = layerWeight(parameter);
      if (Object.hasOwn(weight, 'read')) throw twice(parameter);
      const value = atLevels(parameter.variable, tf.slice(steps, [i], [1]));
      shadowed.push(weight);
      weight.read = () => {
        read.add(parameter);
        return value;
      };
    }
    outputs = pass();
  } finally {
    for (const weight of shadowed) Reflect.deleteProperty(weight, 'read');
  }
  const unread = of.find((parameter) => !read.has(parameter));
  if (unread !== undefined) throw bypassed(unread);
  return outputs;
}

function twice({ name }: Parameter): EspalierError {
  return new EspalierError('invalid-schedule', `${owner}: two schedules at once bring ${name} to levels.`, {
    remedy: 'Give each parameter to one of them.',
  });
}

function bypassed({ name }: Parameter): EspalierError {
  return new EspalierError(
    'invalid-schedule',
    `${owner}: ${name} has no part in this pass, or another plugin draws it.`,
    {
      remedy:
        'Train with a Bayesian prior in a stage before, not in the same one; leave parameters out that are not used.',
    },
  );
}
