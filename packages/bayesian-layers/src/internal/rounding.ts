import {
  EspalierError,
  type Of,
  type Plugin,
  type PluginState,
  type QuantizerSession,
  type RunState,
  readNow,
} from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import { roundToGrid } from '../precision.js';
import { countedRatios } from './counted-ratios.js';
import { knownFrom, nothingKnown, stateOf } from './state.js';

/** The quantizer of a prior: brings every tensor to the grid that the posterior variances on the run allow. */
export function rounding(name: string, options: Resolved): Plugin<QuantizerSession> {
  return {
    name,
    kinds: ['quantizer'],
    start: (run, of, state) => roundingSession(run, of, state, options),
  };
}

function roundingSession(
  run: RunState,
  of: Of,
  state: PluginState | undefined,
  options: Resolved,
): QuantizerSession {
  const known = state === undefined ? nothingKnown(options) : knownFrom(state, options);
  return {
    quantize(_at, read = readNow) {
      const learned = of.map((parameter) => {
        const variance = run.variance(parameter);
        if (variance !== undefined) return { parameter, variance };
        throw new EspalierError('bad-state', `${options.owner}: ${parameter.name} has no posterior.`, {
          remedy: "Train a stage with it under 'schedules' first, and name the parameters it was trained on.",
        });
      });
      return read(
        () =>
          learned.map(({ parameter, variance }) => ({ weights: parameter.variable as tf.Tensor, variance })),
        (seen) =>
          new Map(
            learned.map(({ parameter }, i) => [parameter, roundToGrid(seen[i].weights, seen[i].variance)]),
          ),
      );
    },
    figures: () => known.album.figures(),
    paperRatios: (read = readNow) => countedRatios(run, known.before, read),
    save: () => stateOf(known),
  };
}
