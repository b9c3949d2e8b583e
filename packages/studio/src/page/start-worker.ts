/**
 * Starts a worker of the page's. By way of a blob, whose worker is under the page's own content policy: one from an address of its
 * own would be under none where the server says nothing.
 */
export function startWorker(name: 'model-worker' | 'hdf5'): Worker {
  const script = new URL(`${name}.js`, new URL('./', import.meta.url)).href;
  const address = URL.createObjectURL(
    new Blob([`import ${JSON.stringify(script)};`], { type: 'text/javascript' }),
  );
  const worker = new Worker(address, { type: 'module' });
  worker.addEventListener('message', () => URL.revokeObjectURL(address), { once: true });
  return worker;
}
