import { formatBytes, formatCount } from '@espalier/report';
import type { VNode } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Cancelled, Session } from '../session.js';
import type { PageBackend } from '../work/backend.js';
import type { Dropped } from '../work/open.js';
import type { Opened } from '../work/worker.js';
import { Alert } from './alert.js';
import { DropZone } from './drop-zone.js';
import { Inspection } from './inspection.js';
import { LayerTree } from './layer-tree.js';
import { Shrink } from './shrink.js';

const kinds = { layers: 'layers model', graph: 'graph model', weights: 'weights without a model' } as const;

interface Loaded {
  readonly session: Session;
  readonly opened: Opened;
}

/** Drop a model, look at it, make it smaller. */
export function ModelPage(): VNode {
  const [state, setState] = useState<Loaded | 'reading' | undefined>();
  const [error, setError] = useState('');
  const [files, setFiles] = useState<readonly Dropped[]>([]);
  const session = useRef<Session | undefined>(undefined);

  const open = useCallback(async (found: readonly Dropped[], backend: PageBackend = 'wasm') => {
    session.current?.cancel();
    const own = new Session(found, backend);
    session.current = own;
    setFiles(found);
    setError('');
    setState('reading');
    try {
      const opened = await own.open();
      if (session.current === own) setState({ session: own, opened });
    } catch (cause) {
      if (cause instanceof Cancelled || session.current !== own) return;
      setState(undefined);
      setError((cause as Error).message);
    }
  }, []);
  useEffect(() => () => session.current?.cancel(), []);

  const loaded = typeof state === 'object' ? state : undefined;
  return (
    <>
      {!loaded && (
        <header>
          <h1>Make a TensorFlow.js model small</h1>
          <p class="meta">
            Look at what it holds, choose how near it has to stay to the original, take the file.
          </p>
        </header>
      )}
      <DropZone onFiles={open} onError={(cause) => setError(cause.message)} small={loaded !== undefined} />
      <p role="status" class="note">
        {state === 'reading' ? 'Reading…' : ''}
      </p>
      <Alert text={error} />
      {loaded && <Model key={loaded.opened} {...loaded} reopen={(backend) => open(files, backend)} />}
    </>
  );
}

function Model({ session, opened, reopen }: Loaded & { reopen: (backend: PageBackend) => void }): VNode {
  const pictureOf = useCallback(
    async (name: string) => {
      await ready.current;
      return session.picture(name);
    },
    [session],
  );
  const ready = useRef<Promise<unknown>>(Promise.resolve());
  return (
    <>
      <header class="model">
        <h1>{opened.file}</h1>
        <p class="meta">
          {kinds[opened.kind]} · {formatCount(opened.tensors)} {opened.tensors === 1 ? 'tensor' : 'tensors'} ·{' '}
          {formatCount(opened.weights)} weights · {formatBytes(opened.bytes)}
          {opened.inputs.length > 0 &&
            ` · takes ${opened.inputs.map(({ shape }) => `[${shape.map((n) => (n < 0 ? 'any' : n)).join(', ')}]`).join(' and ')}`}
        </p>
        {[...opened.notes, ...(opened.cannotRun ? [opened.cannotRun] : [])].map((note) => (
          <p class="note" key={note}>
            {note}
          </p>
        ))}
      </header>
      <Shrink session={session} opened={opened} reopen={reopen} />
      <section>
        <h2>Layers</h2>
        <LayerTree layers={opened.layers} pictureOf={pictureOf} />
      </section>
      <Inspection
        session={session}
        onReady={(promise) => {
          ready.current = promise;
        }}
      />
    </>
  );
}
