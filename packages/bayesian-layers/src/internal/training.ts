import {
  EspalierError,
  type KnownPenalty,
  listed,
  type Moment,
  type PluginState,
  type Read,
  type RunState,
  readNow,
  type Step,
  untaped,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import type { GroupSession } from '../session.js';
import { countedRatios } from './counted-ratios.js';
import { letDraw } from './drawing.js';
import type { LayerPosterior } from './layer-posterior.js';
import type { LayerNumbers } from './layer-start.js';
import { look, ratesOf, thresholdOf } from './looking.js';
import { stream } from './normal.js';
import { picture } from './picturing.js';
import type { Posteriors } from './posteriors.js';
import { noisePruned } from './pruning.js';
import { stateOf } from './state.js';

/** A session that trains the posteriors of a schedule's layers; it owns them. */
export function trainPosteriors(run: RunState, posteriors: Posteriors, options: Resolved): GroupSession {
  const { layers, cut, kernels, before, album } = posteriors;
  const { owner, weight, warmUp, frames, pruneFrom } = options;
  let { examples } = posteriors;
  /** Inputs of the first step, until they are read. */
  let shown: tf.Tensor | undefined;
  const all = [...layers.values()];
  const trained = kernels.flatMap(({ name }) => layers.get(name) ?? []);

  /** The layers of the schedule, ready to be trained. */
  const active = (): readonly LayerPosterior[] => {
    const gone = kernels.find(({ name }) => cut.has(name));
    if (gone === undefined) return trained;
    throw new EspalierError('bad-state', `${owner}: ${gone.name} was cut since.`, {
      remedy: 'Thin after the last stage that uses it.',
    });
  };

  return {
    trainables: () => trained.flatMap((layer) => layer.trainables()),

    forward<T>(at: Moment, pass: () => T): T {
      const undo: (() => void)[] = [];
      try {
        for (const [i, layer] of active().entries()) {
          undo.push(
            letDraw(
              layer,
              run,
              stream(run.seed, () => at.step, i),
            ),
          );
        }
        return pass();
      } finally {
        for (const restore of undo.reverse()) restore();
      }
    },

    penalty({ at, labels, inputs }: Step): KnownPenalty {
      const count = examples ?? at.stepsPerEpoch * listed(labels)[0].shape[0];
      examples = count;
      const [first] = listed(inputs);
      const wanted = frames && shown === undefined ? album.wants(first.shape) : 0;
      if (wanted > 0) shown = tf.keep(tf.slice(first, 0, wanted));
      const grown = (): number => (warmUp === 0 ? 1 : Math.min(1, at.index / (warmUp * at.count)));
      const factor = (): number => (weight * grown()) / count;
      const parts = untaped(() => active().map((layer) => layer.kl(run, factor)));
      return {
        value: parts.map(({ value }) => value).reduce((a, b) => tf.add(a, b)),
        gradients: new Map(parts.flatMap(({ gradients }) => [...gradients])),
      };
    },

    /** Tells the run how precisely each weight has to be kept, and the album what there is to see. */
    epochEnd(at: Moment, read: Read = readNow): void | Promise<void> {
      for (const layer of active()) {
        run.setVariance(layer.kernel, layer.variance());
        const bias = layer.biasVariance();
        if (layer.bias && bias) run.setVariance(layer.bias, bias);
      }
      if (!frames) return;
      const inputs = shown;
      shown = undefined;
      return picture(run, active(), { album, epochs: at.end - at.start, inputs }, read);
    },

    readings: () =>
      readNow(
        () => all.map((layer) => look(layer, run)),
        (seen) =>
          all.map((layer, i) => {
            const rates = ratesOf(layer, seen[i]);
            const { name } = layer.kernel;
            return { name, rates, ...thresholdOf(layer, rates, options), dropped: layer.dropped.slice() };
          }),
      ),

    figures: () => album.figures(),

    paperRatios: (read: Read = readNow) => countedRatios(run, before, read),

    save: (read: Read = readNow): PluginState | Promise<PluginState> =>
      read(
        () => all.map(({ variables }) => variables as Record<string, tf.Tensor>),
        (seen) => {
          const present = all.map(({ kernel, dropped }, i): [string, LayerNumbers] => [
            kernel.name,
            { variables: seen[i], dropped },
          ]);
          return stateOf({ layers: new Map([...cut, ...present]), before, examples, album });
        },
      ),

    dispose() {
      for (const layer of all) layer.dispose();
      shown?.dispose();
    },

    ...(pruneFrom !== undefined && { masks: noisePruned(run, active, options, pruneFrom) }),
  };
}
