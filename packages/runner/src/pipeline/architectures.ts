import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { LayerSpec } from '../recipe/layers/schema.js';
import { buildSequential } from './layers.js';
import { resnet8 } from './resnet.js';

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
