import type { DecodedArtifacts } from '../artifacts.js';
import type { Limits } from '../container/limits.js';
import { decode } from '../decode/decode.js';
import { EspError, type EspErrorCode } from '../errors.js';
import { download, isBytes, type LoadOptions } from '../loading/download.js';
import type { EspalierHandler } from '../loading/handler.js';

/** The part of a `Worker`, and of the global scope inside one, that is used. */
export interface MessageSide {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

interface Question {
  espalier: number;
  file: ArrayBuffer;
  limits?: Limits;
}

interface Answer {
  espalier: number;
  artifacts?: DecodedArtifacts;
  code?: EspErrorCode;
  message?: string;
}

let questions = 0;

/**
 * Makes a worker answer {@link espalierWorker}. A worker's whole script may be:
 * `import { serveDecoder } from '@espalier/codec/stream'; serveDecoder(self);`
 */
export function serveDecoder(scope: MessageSide): void {
  scope.addEventListener('message', ({ data }: MessageEvent<Question>) => {
    if (typeof data?.espalier !== 'number') return;
    const answer: Answer = { espalier: data.espalier };
    try {
      answer.artifacts = decode(data.file, data.limits);
    } catch (error) {
      answer.code = error instanceof EspError ? error.code : 'payload';
      answer.message = error instanceof Error ? error.message : String(error);
    }
    scope.postMessage(answer, answer.artifacts ? [answer.artifacts.weightData] : []);
  });
}

/**
 * A `tf.io.IOHandler` that decodes in a worker which runs {@link serveDecoder}, so that the page stays responsive.
 *
 * @throws EspError from `load`, as `espalier`.
 */
export function espalierWorker(
  worker: MessageSide,
  source: ArrayBuffer | ArrayBufferView | string | URL | Request,
  options: LoadOptions = {},
): EspalierHandler {
  return {
    load: async (): Promise<DecodedArtifacts> => {
      // A copy: what is transferred is gone here.
      const bytes = isBytes(source)
        ? ArrayBuffer.isView(source)
          ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice().buffer
          : source.slice(0)
        : await (await download(source, options)).arrayBuffer();
      const question: Question = { espalier: ++questions, file: bytes as ArrayBuffer };
      if (options.limits) question.limits = options.limits;
      return new Promise((resolve, reject) => {
        worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
          if (data?.espalier !== question.espalier) return;
          if (data.artifacts) resolve(data.artifacts);
          else reject(new EspError(data.code ?? 'payload', data.message ?? 'the worker failed'));
        });
        worker.postMessage(question, [question.file]);
      });
    },
  };
}
