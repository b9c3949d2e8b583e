import { EspalierError, type Parameter, type Seen, settingOf } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { defaultSide, type Groups, groupSize, groupsOf } from '../groups.js';
import { scalePriors } from '../math/scale-priors.js';
import type { Resolved } from '../options.js';
import { type Linear, linearOf, supported } from './linear.js';
import { groupSums } from './sums.js';

/** The numbers of a layer's posterior: of its variables by name, and which groups are pruned (1). */
export interface LayerNumbers {
  readonly variables: Readonly<Record<string, Float32Array>>;
  readonly dropped: Uint8Array;
}

/** Throws what a posterior over this kernel would throw. @throws EspalierError `unsupported-layer` */
export function checkKernel(owner: string, parameter: Parameter): Linear {
  const linear = linearOfKernel(parameter);
  if (typeof linear !== 'string') return linear;
  throw new EspalierError('unsupported-layer', `${owner} cannot take ${parameter.name}: ${linear}.`, {
    remedy: `Leave it out of the schedule's parameters. Known layers: ${supported.join(', ')}.`,
  });
}

/** What a kernel does, or why it is none that we know. */
export function linearOfKernel({ layer, role }: Parameter): Linear | string {
  return role === 'kernel' || role === 'depthwise'
    ? linearOf(layer)
    : `it is ${/^[aeiou]/.test(role) ? 'an' : 'a'} ${role} weight`;
}

/** The groups of a kernel: by the option, or where they are by default. */
export function groupsFor(kernel: Parameter, { structure }: Resolved): Groups {
  const side = settingOf(structure, kernel) ?? defaultSide(kernel.axes);
  return groupsOf(kernel.shape, kernel.role === 'depthwise', side);
}

/** What a posterior's start depends on: the mean square of a kernel's weights, of all and of each group. */
export type Start = { readonly square: tf.Tensor; readonly groups: tf.Tensor };

/** Within a tidy. */
export function startOf(kernel: Parameter, options: Resolved): Start {
  const groups = groupsFor(kernel, options);
  const square = tf.square(kernel.variable);
  const means = tf.div(groupSums(square, groups), groupSize(kernel.shape, groups));
  return { square: tf.mean(square), groups: means };
}

/** The posterior as it starts. A horseshoe's scales start with E[z] at the groups' own sizes. */
export function startNumbers(
  kernel: Parameter,
  bias: Parameter | undefined,
  { horseshoe, start, tau }: Resolved,
  seen: Seen<Start>,
): LayerNumbers {
  const rootMeanSquare = Math.sqrt(seen.square[0] || 1e-4);
  const logVariance = 2 * Math.log(start.deviation * rootMeanSquare);
  const sizes = seen.groups.map((square) => Math.sqrt(square + Math.exp(logVariance)));
  return {
    variables: {
      logVariance: new Float32Array(kernel.size).fill(logVariance),
      ...(bias && { biasLogVariance: new Float32Array(bias.size).fill(logVariance) }),
      ...(horseshoe
        ? scalePriors.horseshoe.initial(sizes, start.scale, tau)
        : { logRate: new Float32Array(sizes.length).fill(start.scale) }),
    },
    dropped: new Uint8Array(sizes.length),
  };
}

/** How many numbers there are of each kind. */
export function sizesOf(
  kernel: Parameter,
  bias: Parameter | undefined,
  options: Resolved,
): Readonly<Record<string, number>> {
  const { count } = groupsFor(kernel, options);
  const scales = options.horseshoe
    ? Object.entries(scalePriors.horseshoe.variables).map(([name, size]) => [name, size(count)])
    : [['logRate', count]];
  return {
    logVariance: kernel.size,
    ...(bias && { biasLogVariance: bias.size }),
    ...Object.fromEntries(scales),
    dropped: count,
  };
}
