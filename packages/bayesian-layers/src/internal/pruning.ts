import { type Parameter, type PrunerSession, type RunState, readNow, type Seen } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import { followedBy } from './followed-by.js';
import { dropGroups, keptWeights } from './judge.js';
import type { LayerPosterior } from './layer-posterior.js';
import { judgedOf, type LookedAt, look, ratesOf, thresholdOf } from './looking.js';

/**
 * Prunes groups that are noise, from a part of the stage on. A filter that goes takes along its bias and what
 * normalises it: nothing constant remains.
 *
 * @param active - The layers, ready to be trained.
 */
export function noisePruned(
  run: RunState,
  active: () => readonly LayerPosterior[],
  options: Resolved,
  pruneFrom: number,
): PrunerSession['masks'] {
  return (at, read = readNow) => {
    // In a stage of its own a firing is the first of one epoch.
    const done = (at.epoch - at.start) / (at.end - at.start);
    if (done < pruneFrom) return new Map();
    const layers = active();
    return read(
      () => layers.map((layer) => look(layer, run)),
      (seen) => new Map(layers.flatMap((layer, i) => masksOf(run, layer, seen[i], options))),
    );
  };
}

function masksOf(
  run: RunState,
  layer: LayerPosterior,
  seen: Seen<LookedAt>,
  options: Resolved,
): [Parameter, tf.Tensor][] {
  const { kernel, bias, groups, dropped } = layer;
  const rates = ratesOf(layer, seen);
  dropGroups(rates, thresholdOf(layer, rates, options).threshold, dropped);
  const kept = keptWeights(judgedOf(layer, seen), dropped, options.single);
  const mask: [Parameter, tf.Tensor] = [kernel, tf.tensor(kept, kernel.shape as number[])];
  if (groups.side === 'inputs') return [mask];
  const stays = Float32Array.from(dropped, (d) => 1 - d);
  const along = [...(bias ? [bias] : []), ...followedBy(run, kernel.layer)];
  return [
    mask,
    ...along
      .filter(({ size }) => size === stays.length)
      .map((parameter): [Parameter, tf.Tensor] => [parameter, tf.tensor1d(stays)]),
  ];
}
