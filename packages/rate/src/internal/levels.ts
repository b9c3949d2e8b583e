import {
  EspalierError,
  type Parameter,
  type Plugin,
  type PluginState,
  type QuantizedTensor,
  type QuantizerSession,
  readNow,
} from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { owner, type Resolved } from '../options.js';
import { levelOf, stepFrom } from './numbers.js';
import { trainedOf } from './parameters.js';
import { knownFrom, numbersOf, stateOf } from './state.js';
import { atEightBits, setStatistic, statisticsOf } from './statistics.js';

/** Values that a codebook may have. */
const most = 65536;

/** A tensor at its levels, as training has seen it. @throws EspalierError `invalid-option` for too many levels */
export function levelled(name: string, weights: Float32Array, step: number): QuantizedTensor {
  const levels = Array.from(weights, (weight) => levelOf(weight, step));
  const used = [...new Set(levels).add(0)].sort((a, b) => a - b);
  if (used.length > most) {
    throw new EspalierError(
      'invalid-option',
      `${owner}: ${name} has ${used.length} levels of step ${step}.`,
      {
        remedy: 'Train for longer, with a larger weight, or start with a larger step.',
      },
    );
  }
  const entry = new Map(used.map((level, i) => [level, i]));
  const indices = levels.map((level) => entry.get(level) as number);
  return {
    codebook: Float32Array.from(used, (level) => level * step),
    indices: used.length <= 256 ? Uint8Array.from(indices) : Uint16Array.from(indices),
    fixed: [entry.get(0) as number],
  };
}

/**
 * The quantizer of a prior: brings every weight to the level that training has seen it at, and statistics of normalisation to
 * eight significant bits.
 */
export function rounding(options: Resolved): Plugin<QuantizerSession> {
  return {
    name: owner,
    kinds: ['quantizer'],
    start(_run, of, state?: PluginState) {
      if (state === undefined) {
        throw new EspalierError('bad-state', `${owner} is used as a quantizer before it was trained.`, {
          remedy:
            'Train with the prior first, and give the quantizer what `await session.save()` gave; in a recipe, name the ' +
            "prior under 'plugins' so that both stages use the same.",
        });
      }
      const known = knownFrom(state, options);
      const [parameters, statistics] = [trainedOf(of), statisticsOf(of)];
      const numbers = numbersOf(parameters, known);
      return {
        quantize: (_at, read = readNow) =>
          read(
            () => [...parameters, ...statistics].map(({ variable }) => variable as tf.Tensor),
            (seen) => {
              const levels = parameters.map((parameter, i): [Parameter, QuantizedTensor] => [
                parameter,
                levelled(parameter.name, seen[i], stepFrom(numbers[i])),
              ]);
              const measured = seen.slice(parameters.length);
              for (const [i, statistic] of statistics.entries())
                setStatistic(statistic, atEightBits(measured[i]));
              return new Map(levels);
            },
          ),
        save: () => stateOf(known),
      };
    },
  };
}
