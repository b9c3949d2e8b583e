import { EspalierError } from '@espalier/core';

/**
 * Does work that Ctrl-C stops: the first asks it to, the second ends the process.
 *
 * @param onStop - Told of the first.
 * @param goOn - How it is gone on with, for the message.
 * @throws EspalierError `aborted`; what `work` throws
 */
export async function stoppable<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { onStop, goOn }: { readonly onStop?: () => void; readonly goOn: string },
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    onStop?.();
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new EspalierError('aborted', `Stopped. ${goOn}`);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
