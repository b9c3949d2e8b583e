import type { ModelArtifacts } from '@espalier/codec';
import type * as tf from '@tensorflow/tfjs-core';
import { type Accuracy, Classes } from '../fidelity/accuracy.js';
import { outputsOf } from '../fidelity/bench.js';
import type { Output } from '../fidelity/fidelity.js';
import type { InputValues } from '../model/graph/fixed-inputs.js';
import { load } from '../model/load.js';
import type { Examples } from '../model/model.js';

/** How often the original and the model of a file are right on examples that nothing was chosen by. */
export async function accuracyApart(
  original: ModelArtifacts,
  packed: ModelArtifacts,
  inputs: InputValues,
  { batches, labels }: { readonly batches: readonly Examples[]; readonly labels: tf.Tensor },
): Promise<Accuracy> {
  const run = async (artifacts: ModelArtifacts): Promise<Output[]> => {
    const model = await load(artifacts, inputs);
    try {
      return await outputsOf(model, batches);
    } finally {
      model.dispose();
    }
  };
  return new Classes(labels, await run(original)).accuracy(await run(packed));
}
