import type { DecodedArtifacts } from '../artifacts.js';
import type { Limits } from '../container/limits.js';
import { decode } from '../decode/decode.js';
import { EspError, type EspErrorCode } from '../errors.js';
import { checkOptions, download, isBytes, type LoadOptions } from '../loading/download.js';
import type { EspalierHandler } from '../loading/handler.js';

/** The part of a `Worker`, and of the global scope inside one, that is used. */
export interface MessageSide {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
  removeEventListener(type: string, listener: (event: MessageEvent) => void): void;
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
 * @throws EspError 'option' for an unknown one; from `load`, as `espalier`, and 'worker' when the worker fails. One that was
 * terminated does not say so: abort `requestInit.signal` to stop waiting for it.
 *
 * @example
 * ```ts no-run
 * import { espalierWorker, serveDecoder } from '@espalier/codec/stream';
 * import * as tf from '@tensorflow/tfjs';
 * // In worker.js: serveDecoder(self); here:
 * const worker = new Worker('worker.js', { type: 'module' });
 * const model = await tf.loadLayersModel(espalierWorker(worker, '/model.esp'));
 * console.log(model.countParams(), serveDecoder.name);
 * ```
 */
export function espalierWorker(
  worker: MessageSide,
  source: ArrayBuffer | ArrayBufferView | string | URL | Request,
  options: LoadOptions = {},
): EspalierHandler {
  checkOptions(options);
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
      return ask(worker, question, options.requestInit?.signal ?? undefined);
    },
  };
}

/** What the worker answers; whatever comes of it, nothing goes on listening. */
function ask(worker: MessageSide, question: Question, signal?: AbortSignal): Promise<DecodedArtifacts> {
  const listeners: [type: string, listener: (event: MessageEvent) => void][] = [];
  const answered = new Promise<DecodedArtifacts>((resolve, reject) => {
    signal?.throwIfAborted();
    const failed = (event: Event): void => {
      const { message } = event as ErrorEvent;
      reject(new EspError('worker', `the worker failed${message ? `: ${message}` : ` (${event.type})`}`));
    };
    listeners.push(
      [
        'message',
        ({ data }: MessageEvent<Answer>): void => {
          if (data?.espalier !== question.espalier) return;
          if (data.artifacts) resolve(data.artifacts);
          else reject(new EspError(data.code ?? 'payload', data.message ?? 'the worker failed'));
        },
      ],
      // Its script could not be loaded or threw; what it sent could not be read; its port was closed.
      ['error', failed],
      ['messageerror', failed],
      ['close', failed],
    );
    for (const [type, listener] of listeners) worker.addEventListener(type, listener);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    worker.postMessage(question, [question.file]);
  });
  return answered.finally(() => {
    for (const [type, listener] of listeners) worker.removeEventListener(type, listener);
  });
}
