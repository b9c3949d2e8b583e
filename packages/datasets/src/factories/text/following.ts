import type { DataSource } from '../../data-source.js';
import type { DataPart } from '../../divide.js';
import { sequences } from '../../sequences.js';

/** The batches of a source that learns what comes next: sequences of ids, and of each place in them the id after it. */
export function following(
  ids: Readonly<Record<DataPart, Uint16Array>>,
  classCount: number,
  length: number,
): DataSource['batches'] {
  return (part, { batchSize, shuffle = false, shapes }) =>
    sequences(ids[part], {
      classCount,
      length,
      batchSize,
      shuffle,
      // An embedding takes ids [length], any other layer one-hot rows [length, classes].
      oneHotInputs: shapes?.[0].length === 2,
      dropRemainder: part === 'train',
    });
}
