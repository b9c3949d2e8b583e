import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';

/** Elements of all tensors that an `.esp` file is read with: the codec's own limit. */
const mostElements = 2 ** 28;

/**
 * Refuses, before any work is done, a model of which no `.esp` file could be read.
 *
 * @throws EspalierError `bad-model`
 */
export function checkFits({ weightSpecs = [] }: ModelArtifacts, file: string): void {
  const elements = weightSpecs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  if (elements <= mostElements) return;
  throw new EspalierError(
    'bad-model',
    `${file} has ${elements} weights; .esp files of more than 2^28 are not read.`,
    {
      remedy: 'Give its parts one by one: shards of .safetensors, or models within it.',
    },
  );
}
