import * as tf from '@tensorflow/tfjs-core';
import { type Looked, packedAsOne, type Seen, unpacked } from '../read.js';
import type { StepRecorder, StepRecording } from '../step-recorder.js';

/** Batches of the same shapes, what is looked at of each, and where its numbers are left. */
interface Known {
  readonly recording: StepRecording;
  looked?: Looked;
  left?: tf.Variable;
}

/** Looks at batches, replayed as steps of training are: a look at one is like that at another of the same shapes. */
export class Looks {
  readonly #known = new Map<string, Known>();

  constructor(private readonly recorder: StepRecorder) {}

  /** What is looked at may be another thing than before. */
  doubt(): void {
    for (const { recording } of this.#known.values()) recording.doubt('step');
  }

  /**
   * As `readLater`, of what `look` makes of a batch.
   *
   * @param batch - All that it is given; nothing else may change what it asks of TensorFlow.
   */
  async see<L extends Looked, T>(
    batch: readonly tf.Tensor[],
    look: () => L,
    use: (seen: Seen<L>) => T,
  ): Promise<T> {
    const key = batch.map(({ shape, dtype }) => `${dtype} ${shape}`).join(';');
    const known = this.#known.get(key) ?? { recording: this.recorder.start() };
    this.#known.set(key, known);
    known.recording.take(batch, () => {
      tf.tidy(() => {
        const looked = look();
        const numbers = packedAsOne(looked);
        known.looked = looked;
        if (known.left?.size === numbers.size) known.left.assign(numbers);
        else {
          known.left?.dispose();
          known.left = tf.variable(numbers, false);
        }
      });
      return undefined;
    });
    return use(unpacked(known.looked as L, (await known.left!.data()) as Float32Array));
  }

  dispose(): void {
    for (const { recording, left } of this.#known.values()) {
      recording.dispose();
      left?.dispose();
    }
  }
}
