import './internal/chained-ops.js';
import './internal/initial-biases.js';

export type {
  CountedRatio,
  Figure,
  FigureComponent,
  GalleryFigure,
  HistogramFigure,
  JointFigure,
  JointFrame,
  MapFigure,
  MapFrame,
} from '@espalier/figures';
export { agpSparsity } from './agp.js';
export { type Arranged, arrange, listed, onlyOne } from './arrange.js';
export { type Blocks, blocksOf, checkBlock } from './blocks.js';
export type { Batch, Data, Tensors } from './data.js';
export { disposeModel } from './dispose-model.js';
export {
  checkOneOf,
  checkOptions,
  checkRange,
  type ErrorCode,
  EspalierError,
  nearestName,
  unknownName,
} from './errors.js';
export { type EvaluateOptions, evaluate } from './evaluate.js';
export { frozenParameters } from './internal/freezing.js';
export { type LearningRate, type LearningRateSchedule, type RateMoment, rateAt } from './learning-rate.js';
export {
  cosineRate,
  exponentialRate,
  multiStepRate,
  plateauRate,
  polynomialRate,
  stepRate,
} from './learning-rate-schedules.js';
export { type OutputActivation, outputActivation, withLogits } from './logits.js';
export { labelClasses, labelRows } from './loss/labels.js';
export {
  checkLoss,
  type Loss,
  type LossName,
  type LossOptions,
  lossNames,
  nearestLoss,
  type OwnLoss,
  type Task,
} from './loss/options.js';
export { type ResolvedLoss, resolveLoss, softmaxCrossEntropy } from './loss.js';
export { type Losses, type ResolvedLosses, resolveLosses } from './losses.js';
export {
  type Better,
  type Measurement,
  type Metric,
  type MetricInput,
  type Metrics,
  resolveMetrics,
} from './metric.js';
export { type EpochMetrics, type Evaluation, flatMetrics, type OutputEvaluation } from './metrics.js';
export { type Moment, once, progress } from './moment.js';
export { nestState, unnestState } from './nested-state.js';
export type {
  AdamOptions,
  Optimizer,
  OptimizerFactories,
  OptimizerState,
  ParameterGroup,
  SgdOptions,
} from './optimizer.js';
export { jsOptimizers } from './optimizers-js.js';
export type { Axes, Parameter, Role } from './parameter.js';
export { layersOf, parametersOf, pathName } from './parameters.js';
export {
  checkNames,
  checkPerParameter,
  type PerParameter,
  perParameter,
  type Range,
  settingOf,
} from './per-parameter.js';
export {
  type Forward,
  isPruner,
  isQuantizer,
  isRegularizer,
  isTransform,
  type Kind,
  type Noise,
  type Of,
  type Plugin,
  type Pruner,
  type Quantizer,
  type Regularizer,
  sessionMethods,
  type Transform,
} from './plugin.js';
export { dequantize, type QuantizedTensor } from './quantized.js';
export { hash, hashString, randomUniform } from './random.js';
export { type Looked, type Read, reading, readLater, readNow, type Seen } from './read.js';
export { roundHalfEven } from './round-half-even.js';
export { Run } from './run.js';
export type { RunState } from './run-state.js';
export { type BindOptions, checkPlugin, Running } from './running.js';
export { type Schedule, type Timing, timing } from './schedule.js';
export { seededModel, unseededLayers } from './seeding.js';
export { kernels, type Selector, selectParameters } from './selector.js';
export type {
  AxisSelection,
  ForwardSession,
  KnownPenalty,
  NoiseSession,
  PluginState,
  PrunerSession,
  QuantizerSession,
  RegularizerSession,
  Session,
  StateArray,
  Transformed,
  TransformSession,
} from './session.js';
export { shown } from './shown.js';
export { packState, unpackState } from './state-file.js';
export type { ObservedStep, Step } from './step.js';
export { perStep, type StepRecorder, type StepRecording } from './step-recorder.js';
export { topologyOf } from './topology.js';
export { train } from './train.js';
export type { EarlyStopping, Goal, OptimizerChoice, SizeAim, TrainOptions } from './train-options.js';
export { createTrainer, type Trainer } from './trainer.js';
export { untaped } from './untaped.js';
