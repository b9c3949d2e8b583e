import {
  checkOptions,
  checkRange,
  disposeModel,
  EspalierError,
  outputActivation,
  type Regularizer,
  type Run,
  readNow,
  softmaxCrossEntropy,
  withLogits,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { copyModel, type ModelState, modelFrom, setWeights, structureOf } from './internal/copy-model.js';

export interface DistillationOptions {
  /**
   * Who is imitated: a model (yours; it is not trained, nor disposed), or an address for
   * `tf.loadLayersModel`. Default: a copy of the run's model as it is when the plugin is first started; it is
   * saved with the run.
   */
  readonly teacher?: LayersModel | string;
  /** T > 0: the higher, the softer both distributions. Default 4. */
  readonly temperature?: number;
  /** Weight of the soft loss, >= 0. Default 0.5. */
  readonly soft?: number;
  /** Weight of the loss on the labels, >= 0; the model is trained with categorical cross-entropy. Default 0.5. */
  readonly hard?: number;
}

/**
 * Knowledge distillation (Hinton, Vinyals & Dean 2015, section 2): the loss becomes
 * `hard`·CE(labels, student) + `soft`·T²·KL(teacher ‖ student), mean over the batch, the distributions of the
 * KL term taken at temperature T. The factor T² keeps its gradient at the same size whatever T is.
 *
 * For classifiers trained with `categoricalCrossentropy`: student and teacher end in a softmax (or in logits)
 * over the same classes, and read the same inputs. The parameters of its schedule do not matter.
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
  let teacher = options.teacher instanceof LayersModel ? options.teacher : undefined;
  /** Whether the student ends in a softmax. */
  let probabilities = false;
  /** The copy or the loaded model: what this plugin has to free. */
  let own: LayersModel | undefined;

  return {
    name: 'distillation',
    check,
    async start(run) {
      check(run);
      probabilities = outputActivation(run.model) === 'softmax';
      if (teacher !== undefined) return;
      own =
        typeof options.teacher === 'string' ? await loadLayersModel(options.teacher) : copyModel(run.model);
      teacher = own;
    },
    penalty(_, { inputs, labels, outputs: seen, onLogits }) {
      return tf.tidy(() => {
        // softmax(log p) = p: with a loss that leaves the softmax on, the logs of its outputs serve as logits.
        const outputs = probabilities && !onLogits ? tf.log(tf.clipByValue(seen, 1e-7, 1)) : seen;
        const given = teacherLogits(teacher, inputs);
        if (given.shape.join() !== outputs.shape.join()) {
          throw new EspalierError(
            'shape-mismatch',
            `distillation: the teacher's outputs are [${given.shape}], the student's [${outputs.shape}].`,
          );
        }
        const softened = tf.div(given, temperature);
        const target = tf.softmax(softened);
        // KL(p ‖ q) = CE(p, q) - CE(p, p); the second has no gradient, but makes the value 0 for equals.
        const divergence = tf.sub(
          softmaxCrossEntropy(target, tf.div(outputs, temperature)),
          softmaxCrossEntropy(target, softened),
        );
        const imitation = tf.mul(divergence, soft * temperature ** 2);
        // The trainer adds the loss on the labels once: take it down (or up) to its weight.
        if (hard === 1) return imitation;
        return tf.add(imitation, tf.mul(softmaxCrossEntropy(labels, outputs), hard - 1));
      }) as tf.Scalar;
    },
    save(read = readNow) {
      if (own === undefined || typeof options.teacher === 'string') return {};
      const [json, weights] = [structureOf(own), own.getWeights()];
      return read(
        () => weights,
        (numbers) => ({ json, arrays: Object.fromEntries(numbers.map((values, i) => [String(i), values])) }),
      );
    },
    load({ json, arrays }) {
      if (options.teacher !== undefined) return;
      if (json === undefined || json === null || arrays === undefined) {
        throw new EspalierError('bad-state', 'distillation: the saved state has no teacher.');
      }
      if (own) disposeModel(own);
      own = modelFrom(json as ModelState);
      setWeights(own, arrays);
      teacher = own;
    },
    dispose() {
      if (own === undefined) return;
      if (teacher === own) teacher = undefined;
      disposeModel(own);
      own = undefined;
    },
  };
}

function check({ model }: Run): void {
  if (outputActivation(model) !== 'sigmoid') return;
  throw new EspalierError('unsupported-layer', 'distillation: the model ends in a sigmoid.', {
    remedy: 'Distil classifiers that end in a softmax.',
  });
}

function teacherLogits(teacher: LayersModel | undefined, inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
  if (teacher === undefined) {
    throw new EspalierError('bad-state', 'distillation has not been started: there is no teacher.', {
      remedy: 'Call start(run, parameters), or give a teacher.',
    });
  }
  const forward = (): tf.Tensor => teacher.apply(inputs, { training: false }) as tf.Tensor;
  return outputActivation(teacher) === 'softmax' ? withLogits(teacher, forward) : forward();
}
