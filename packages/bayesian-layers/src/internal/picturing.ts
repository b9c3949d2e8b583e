import type { Read, RunState } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Album } from './album.js';
import type { LayerPosterior } from './layer-posterior.js';
import { look, ratesOf } from './looking.js';

/** What is drawn of layers at the end of an epoch. */
export interface Drawing {
  readonly album: Album;
  /** How many the stage has. */
  readonly epochs: number;
  /** Inputs to be shown; they are disposed. */
  readonly inputs?: tf.Tensor | undefined;
}

/** Adds pictures of where the layers are now to an album. */
export function picture(
  run: RunState,
  layers: readonly LayerPosterior[],
  { album, epochs, inputs }: Drawing,
  read: Read,
): void | Promise<void> {
  return read(
    () => ({ inputs, layers: layers.map((layer) => look(layer, run)) }),
    (seen) => {
      if (inputs !== undefined) album.inputs(inputs.shape, seen.inputs!);
      inputs?.dispose();
      for (const [i, layer] of layers.entries()) {
        album.frame(layer, seen.layers[i].means, ratesOf(layer, seen.layers[i]), epochs);
      }
    },
  );
}
