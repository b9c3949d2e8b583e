import type { DecodedArtifacts, WeightSpec } from '../artifacts.js';
import { fail } from '../errors.js';
import { checkOptions, download, type LoadOptions } from '../loading/download.js';
import type { EspalierHandler } from '../loading/handler.js';
import { createDecoder, type DecodedTensor } from './stream.js';

/** What one hears while a model arrives. */
export interface Progress {
  /** Bytes of the file so far. */
  receivedBytes: number;
  /** Tensors so far, and in all. */
  tensors: number;
  totalTensors: number;
}

/** Options of {@link espalierStream}. */
export interface StreamOptions extends LoadOptions {
  /** Called with each tensor as it arrives, in the order of `weightSpecs`. */
  onTensor?: (tensor: DecodedTensor, progress: Progress) => void;
}

/**
 * A `tf.io.IOHandler` that decodes while it downloads: tensors are reported as they arrive, and when the last byte
 * is there the model is ready.
 *
 * @throws EspError 'option' for an unknown one; from `load`, as `espalier`.
 *
 * @example
 * ```ts no-run
 * import { espalierRange, espalierStream } from '@espalier/codec/stream';
 * import * as tf from '@tensorflow/tfjs';
 * // Decoded while it comes, a tensor at a time:
 * const model = await tf.loadLayersModel(espalierStream('/model.esp', { onTensor: ({ spec }) => console.log(spec.name) }));
 * model.summary();
 * // Or only what is needed of it, by HTTP ranges:
 * const file = await espalierRange('/model.esp');
 * console.log(file.artifacts.weightSpecs.map(({ name }) => name));
 * ```
 */
export function espalierStream(source: string | URL | Request, options: StreamOptions = {}): EspalierHandler {
  checkOptions(options, 'onTensor');
  const { onTensor, ...rest } = options;
  return {
    load: async (): Promise<DecodedArtifacts> => {
      const response = await download(source, rest);
      const decoder = createDecoder(options.limits);
      let weightData: Uint8Array<ArrayBuffer> | undefined;
      let filled = 0;
      let receivedBytes = 0;
      const take = (chunk: Uint8Array): void => {
        receivedBytes += chunk.length;
        for (const tensor of decoder.write(chunk)) {
          weightData ??= new Uint8Array(decoder.decodedBytes!);
          weightData.set(new Uint8Array(tensor.data), filled);
          filled += tensor.data.byteLength;
          const totalTensors = decoder.artifacts!.weightSpecs.length;
          onTensor?.(tensor, { receivedBytes, tensors: tensor.index + 1, totalTensors });
        }
      };
      const reader = response.body?.getReader();
      if (!reader) return fail('fetch', 'the answer has no body');
      try {
        for (let next = await reader.read(); !next.done; next = await reader.read()) take(next.value);
      } catch (error) {
        await reader.cancel().catch(() => {});
        throw error;
      }
      decoder.end();
      const artifacts = decoder.artifacts! as { weightSpecs: WeightSpec[] };
      return { ...artifacts, weightData: (weightData ?? new Uint8Array(0)).buffer };
    },
  };
}
