import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tinyCifar } from './fixtures.js';

const example = new URL('../../../examples/bayesian-compression/recipe-cifar10.yaml', import.meta.url);

/** The CIFAR-10 recipe of Bayesian compression. */
export const recipe: string = fileURLToPath(example);

/** What makes it one of seconds: small files in `home`, few filters, few epochs. One layer loses all filters but one. */
export function tinyBayesian(
  home: string,
  prior: string,
  perFile = 40,
  epochs: readonly [dense: number, bayes: number, quantise: number] = [2, 4, 3],
): string[] {
  const layers = [];
  for (const [n, block] of [
    [0, [4, 4]],
    [2, [6]],
  ] as const) {
    for (const [i, filters] of block.entries()) {
      const at = n + i + 1;
      layers.push(
        `{ conv2d: { name: conv${at}, filters: ${filters}, kernelSize: 3, strides: 2, padding: same, useBias: false } }`,
        `{ batchNormalization: { name: bn${at} } }`,
        `{ activation: { activation: relu } }`,
      );
    }
  }
  layers.push('{ flatten: {} }', '{ dense: { name: fc1, units: 10, activation: softmax } }');
  return [
    `data.dir=${tinyCifar(join(home, 'data'), perFile)}`,
    `data.validation=${perFile}`,
    'data.batchSize=20',
    `model={ layers: [${layers.join(', ')}] }`,
    `plugins.posterior.use=bayesian-layers#${prior}`,
    'plugins.posterior.options.threshold={ conv3/kernel: -20 }',
    `stages.0.epochs=${epochs[0]}`,
    `stages.1.epochs=${epochs[1]}`,
    `stages.3.epochs=${epochs[2]}`,
  ];
}
