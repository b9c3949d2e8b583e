import {
  checkOptions,
  checkRange,
  disposeModel,
  EspalierError,
  onlyOne,
  outputActivation,
  type PluginState,
  type Read,
  type Regularizer,
  type RegularizerSession,
  type RunState,
  readNow,
  resolveLoss,
  softmaxCrossEntropy,
  withLogits,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { copyModel, loadedModel, savedModel } from './internal/copy-model.js';

/** Who is imitated by {@link distillation}, and how much that counts. */
export interface DistillationOptions {
  /**
   * Who is imitated: a model (yours; it is not trained, nor disposed), or an address for
   * `tf.loadLayersModel`. Default: a copy of the run's model as it is when the plugin is first started; it is
   * saved, and passes on to later stages.
   */
  readonly teacher?: LayersModel | string;
  /** T > 0: the higher, the softer both distributions. Default 4. */
  readonly temperature?: number;
  /** Weight of the soft loss, >= 0. Default 0.5. */
  readonly soft?: number;
  /** Weight of the loss on the labels, >= 0, whichever the model is trained with. Default 0.5. */
  readonly hard?: number;
}

/**
 * Knowledge distillation (Hinton, Vinyals & Dean 2015, section 2): the loss becomes
 * `hard`·CE(labels, student) + `soft`·T²·KL(teacher ‖ student), mean over the batch, the distributions of the
 * KL term taken at temperature T. The factor T² keeps its gradient at the same size whatever T is.
 *
 * Of classes, student and teacher end in a softmax (or in logits) over the same ones. Of numbers (a model trained with a loss of
 * numbers, such as `meanSquaredError` or `huber`) imitation is the mean squared distance of their outputs, and there is no
 * temperature: `hard`·loss + `soft`·MSE(teacher, student). They read the same inputs. The parameters of its schedule do not matter.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`; `shape-mismatch` (at the first step) when teacher
 *   and student differ in their classes
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run, train } from '@espalier/core';
 * import { distillation } from '@espalier/regularizers';
 * const net = () =>
 *   tfl.sequential({ layers: [tfl.layers.dense({ units: 2, activation: 'softmax', inputShape: [1], useBias: false })] });
 * const [teacher, student] = [net(), net()];
 * teacher.setWeights([tf.tensor2d([[1, -1]])]);
 * student.setWeights([tf.tensor2d([[0, 0]])]);
 * const data = {
 *   size: 2,
 *   stepsPerEpoch: 1,
 *   batches: () => [{ inputs: tf.tensor2d([[1], [-1]]), labels: tf.tensor2d([[0, 1], [1, 0]]) }], // wrong labels
 * };
 * const plugin = distillation({ teacher, temperature: 2, soft: 1, hard: 0 });
 * await train(new Run(student), { data, epochs: 200, learningRate: 0.05, schedules: [{ plugin }] });
 * const [a, b] = student.getWeights()[0].dataSync();
 * if (Math.abs(a - b - 2) > 0.05) throw new Error(`${a - b}`); // the teacher's logits differ by 2
 * ```
 */
export function distillation(options: DistillationOptions = {}): Regularizer {
  const { temperature = 4, soft = 0.5, hard = 0.5 } = options;
  const weights: Weights = { temperature, soft, hard };
  checkOptions('distillation', options, ['teacher', 'temperature', 'soft', 'hard']);
  checkRange('distillation', 'temperature', temperature, Number.MIN_VALUE, Number.MAX_VALUE);
  checkRange('distillation', 'soft', soft, 0, Number.MAX_VALUE);
  checkRange('distillation', 'hard', hard, 0, Number.MAX_VALUE);
  if (
    options.teacher !== undefined &&
    typeof options.teacher !== 'string' &&
    !(options.teacher instanceof LayersModel)
  ) {
    throw new EspalierError('invalid-option', 'distillation: teacher is not a LayersModel.', {
      remedy: 'Give a tf.LayersModel, an address for tf.loadLayersModel, or nothing.',
    });
  }
  const { teacher: given } = options;
  return {
    name: 'distillation',
    kinds: ['regularizer'],
    check: (run) => check(run),
    start(run, _, state) {
      check(run);
      const probabilities = outputActivation(run.model) === 'softmax';
      if (given instanceof LayersModel) return { penalty: penaltyWith(given, probabilities, weights) };
      const session = (own: LayersModel): RegularizerSession => ({
        penalty: penaltyWith(own, probabilities, weights),
        ...(given === undefined && { save: (read: Read = readNow) => savedModel(own, read) }),
        dispose: () => disposeModel(own),
      });
      if (given !== undefined) return loadLayersModel(given).then(session);
      return session(state === undefined ? copyModel(run.model) : teacherIn(state));
    },
  };
}

interface Weights {
  readonly temperature: number;
  readonly soft: number;
  readonly hard: number;
}

/** The penalty of a teacher, by whether the student ends in a softmax. */
function penaltyWith(
  teacher: LayersModel,
  probabilities: boolean,
  { temperature, soft, hard }: Weights,
): RegularizerSession['penalty'] {
  return ({ inputs, labels, weights, outputs: given, onLogits, losses }) =>
    tf.tidy(() => {
      const seen = onlyOne('distillation', given);
      const [loss] = losses ?? [];
      /** With what the trainer adds of the loss on the labels, that is at its weight. */
      const withLabels = (imitation: tf.Tensor, own: () => tf.Tensor): tf.Tensor => {
        if (hard === 1) return imitation;
        const whole = loss ? tf.mul(loss.compute(labels as tf.Tensor, seen, weights), loss.weight) : own();
        return tf.add(imitation, tf.mul(whole, hard - 1));
      };
      if (loss?.task === 'numbers') {
        const taught = teacher.apply(inputs, { training: false }) as tf.Tensor;
        checkShapes(taught, seen);
        const { compute } = resolveLoss('meanSquaredError', teacher);
        return withLabels(tf.mul(compute(taught, seen, weights), soft), () => tf.scalar(0));
      }
      // softmax(log p) = p: with a loss that leaves the softmax on, the logs of its outputs serve as logits.
      const outputs = probabilities && !onLogits ? tf.log(tf.clipByValue(seen, 1e-7, 1)) : seen;
      const taught = teacherLogits(teacher, inputs);
      checkShapes(taught, outputs);
      const softened = tf.div(taught, temperature);
      const target = tf.softmax(softened);
      // KL(p ‖ q) = CE(p, q) - CE(p, p); the second has no gradient, but makes the value 0 for equals.
      const divergence = tf.sub(
        softmaxCrossEntropy(target, tf.div(outputs, temperature), weights),
        softmaxCrossEntropy(target, softened, weights),
      );
      const imitation = tf.mul(divergence, soft * temperature ** 2);
      return withLabels(imitation, () => softmaxCrossEntropy(labels as tf.Tensor, outputs, weights));
    }) as tf.Scalar;
}

function checkShapes(taught: tf.Tensor, seen: tf.Tensor): void {
  if (taught.shape.join() === seen.shape.join()) return;
  throw new EspalierError(
    'shape-mismatch',
    `distillation: the teacher's outputs are [${taught.shape}], the student's [${seen.shape}].`,
  );
}

/** The teacher of a saved state. @throws EspalierError `bad-state` */
function teacherIn(state: PluginState): LayersModel {
  try {
    return loadedModel(state);
  } catch (cause) {
    throw new EspalierError('bad-state', 'distillation: the saved state has no teacher.', {
      remedy: 'Give the state that a session of distillation without a teacher option has saved, or none.',
      cause,
    });
  }
}

function check({ model }: RunState): void {
  if (model.outputs.length > 1) {
    throw new EspalierError(
      'unsupported-layer',
      `distillation: the model has ${model.outputs.length} outputs.`,
      {
        remedy: 'It teaches models of one output: leave it out for this one.',
      },
    );
  }
  if (outputActivation(model) !== 'sigmoid') return;
  throw new EspalierError('unsupported-layer', 'distillation: the model ends in a sigmoid.', {
    remedy: 'Distil classifiers that end in a softmax.',
  });
}

function teacherLogits(teacher: LayersModel, inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
  const forward = (): tf.Tensor => teacher.apply(inputs, { training: false }) as tf.Tensor;
  return outputActivation(teacher) === 'softmax' ? withLogits(teacher, forward) : forward();
}
