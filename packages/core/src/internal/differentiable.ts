import { EspalierError } from '../errors.js';

/**
 * Takes a step. TF.js cannot differentiate every layer on every backend: it says so in the first one.
 *
 * @throws EspalierError `unsupported-layer`
 */
export function differentiable<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    const { message } = cause as Error;
    if (!/^Error in gradient|^Cannot compute gradient|not registered for backend/.test(message)) throw cause;
    throw new EspalierError('unsupported-layer', `A layer of the model cannot be trained: ${message}`, {
      cause,
      remedy: 'Train on another backend, or without that layer (or its dilation).',
    });
  }
}
