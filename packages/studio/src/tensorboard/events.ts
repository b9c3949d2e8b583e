import { appendFile, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { WatchedTensor, WatchLine } from '@espalier/report';
import type { RecordedEpoch } from '../recorded-epoch.js';
import { eventBytes, type Told } from './messages.js';
import { recordBytes } from './record.js';

/** Writes what TensorBoard shows of a run. A step is whatever the run counts by: epochs, of all stages. */
export interface EventWriter {
  /** Loss, metrics, zeros, learning rate, seconds. */
  epoch(step: number, metrics: RecordedEpoch): Promise<void>;
  /** Of each tensor a histogram, zeros, bytes; of all of them and of the process, memory. */
  tensors(step: number, looked: Pick<WatchLine, 'tensors' | 'memory'>): Promise<void>;
  /** Numbers of one's own by their names, whose part before the first `/` groups them. */
  scalars(step: number, values: Readonly<Record<string, number>>): Promise<void>;
}

/** Files that this process has begun: two of one second have different names. */
let begun = 0;

/** The numbers of an epoch by the names that they have in TensorBoard. */
function scalarsOf(metrics: RecordedEpoch): Record<string, number> {
  const { loss, validationLoss, validationAccuracy, validationMetrics, learningRate, sparsity } = metrics;
  const { seconds, wait } = metrics;
  const named = {
    'loss/training': loss,
    'loss/validation': validationLoss,
    'metrics/accuracy': validationAccuracy,
    ...Object.fromEntries(
      Object.entries(validationMetrics ?? {}).map(([name, value]) => [`metrics/${name}`, value]),
    ),
    'weights/zeros': sparsity,
    'training/learning rate': learningRate,
    'training/seconds': seconds,
    'training/seconds waiting for data': wait,
  };
  // What is not known is not told; a loss that is no number is.
  return Object.fromEntries(
    Object.entries(named).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

const share = ({ nonzero, parameters }: WatchedTensor): number => 1 - nonzero / Math.max(1, parameters);

/**
 * Begins an event file of TensorBoard in a folder, beside those that are there: `tensorboard --logdir` of a folder above shows it by
 * the folder's name. The file is written by JavaScript, on any backend.
 *
 * @param options.from - The first step, where a run goes on: what earlier files tell of it and of later ones counts no more.
 * @throws what the file system throws
 *
 * @example
 * ```ts
 * import { mkdtemp, readdir } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { openEvents } from '@espalier/studio';
 * const folder = await mkdtemp(join(tmpdir(), 'events-'));
 * const events = await openEvents(folder);
 * await events.epoch(1, { epoch: 0, loss: 0.5 });
 * await events.scalars(1, { 'mine/temperature': 36.6 });
 * const [file] = await readdir(folder);
 * if (!file.startsWith('events.out.tfevents.')) throw new Error(file);
 * ```
 */
export async function openEvents(
  folder: string,
  { from }: { readonly from?: number } = {},
): Promise<EventWriter> {
  await mkdir(folder, { recursive: true });
  const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
  const file = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${begun++}`);
  const tell = (told: Told): Promise<void> => appendFile(file, recordBytes(eventBytes(told)));
  await tell({ version: 'brain.Event:2' });
  if (from !== undefined) await tell({ step: from, restarts: true });
  return {
    epoch: (step, metrics) => tell({ step, scalars: scalarsOf(metrics) }),
    scalars: (step, values) => tell({ step, scalars: values }),
    tensors: (step, { tensors, memory }) =>
      tell({
        step,
        tensors: tensors.filter(({ counts }) => counts.some((count) => count > 0)),
        scalars: {
          ...Object.fromEntries(tensors.map((tensor) => [`zeros/${tensor.name}`, share(tensor)])),
          ...Object.fromEntries(tensors.map(({ name, bytes }) => [`bytes/${name}`, bytes])),
          'weights/bytes': tensors.reduce((sum, { bytes }) => sum + bytes, 0),
          ...(memory && { 'memory/process': memory.process, 'memory/tensors': memory.tensors }),
        },
      }),
  };
}
