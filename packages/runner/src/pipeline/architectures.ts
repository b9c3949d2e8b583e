import { unknownName } from '@espalier/core';
import { type LayersModel, sequential, layers as tfLayers } from '@tensorflow/tfjs-layers';
import { resnet8 } from './resnet.js';

/** One layer as a recipe writes it: the name of a `tf.layers` function and its configuration. */
export type LayerSpec = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const dense = (name: string, units: number, activation: string): LayerSpec => ({
  dense: { name, units, activation },
});

/** LeNet-300-100 (LeCun et al. 1998): 266,610 parameters. */
const lenet300: readonly LayerSpec[] = [
  dense('fc1', 300, 'relu'),
  dense('fc2', 100, 'relu'),
  dense('fc3', 10, 'softmax'),
];

/** LeNet-5 as Caffe ships it, 20-50-500: 431,080 parameters. */
const lenet5: readonly LayerSpec[] = [
  { conv2d: { name: 'conv1', filters: 20, kernelSize: 5, activation: 'linear' } },
  { maxPooling2d: { name: 'pool1', poolSize: 2, strides: 2 } },
  { conv2d: { name: 'conv2', filters: 50, kernelSize: 5, activation: 'linear' } },
  { maxPooling2d: { name: 'pool2', poolSize: 2, strides: 2 } },
  { flatten: { name: 'flatten' } },
  dense('fc1', 500, 'relu'),
  dense('fc2', 10, 'softmax'),
];

/** Makes a model of an architecture for a data set's inputs. */
export type Architecture = (name: string, dataShape: readonly number[]) => LayersModel;

/** Architectures by name. Those of the literature have inputs of their own. */
export const architectures: Readonly<Record<string, Architecture>> = {
  'lenet-300-100': (name) => buildSequential(name, [784], lenet300),
  'lenet-5': (name) => buildSequential(name, [28, 28, 1], lenet5),
  'resnet-8': resnet8,
};

type Factory = (config: Record<string, unknown>) => Parameters<ReturnType<typeof sequential>['add']>[0];

/**
 * A sequential model from layers by name; layers without a name are numbered, so that names do not depend on
 * what else the process has built.
 *
 * @throws EspalierError `unknown-name` for a layer that TF.js does not have
 */
export function buildSequential(
  name: string,
  inputShape: readonly number[],
  specs: readonly LayerSpec[],
): LayersModel {
  const model = sequential({ name });
  const factories = tfLayers as unknown as Record<string, Factory>;
  for (const [i, spec] of specs.entries()) {
    const [[kind, config]] = Object.entries(spec);
    if (typeof factories[kind] !== 'function') {
      const names = Object.keys(factories).filter(
        (key) => /^[a-z]/.test(key) && typeof factories[key] === 'function',
      );
      throw unknownName('layer', kind, names);
    }
    model.add(factories[kind]({ name: `${kind}_${i + 1}`, ...config, ...(i === 0 && { inputShape }) }));
  }
  return model;
}
