import { drawTrials, formatBytes, formatRatio, type SizedPoint } from '@espalier/report';
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Cancelled, type Session } from '../session.js';
import type { PageBackend } from '../work/backend.js';
import type { Made } from '../work/make.js';
import type { Opened } from '../work/worker.js';
import { Alert } from './alert.js';
import { Beside } from './beside.js';
import { Html } from './html.js';
import { Take } from './take.js';
import { type Aim, firstOf, inWords, qualityOf, sameWish, wishesOf } from './wishes.js';

/** How a file is made smaller: slider, trials as they come, files that were made. */
export function Shrink({
  session,
  opened,
  reopen,
}: {
  session: Session;
  opened: Opened;
  reopen: (backend: PageBackend) => void;
}): VNode {
  const [aim, setAim] = useState<Aim>('quality');
  const [place, setPlace] = useState(firstOf('quality'));
  const [range, setRange] = useState<readonly [number, number]>([0, 1]);
  const [seconds, setSeconds] = useState(50);
  const [trials, setTrials] = useState<readonly SizedPoint[]>([]);
  const [files, setFiles] = useState<readonly Made[]>([]);
  const [chosen, setChosen] = useState<Made>();
  const [progress, setProgress] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const run = useRef(0);
  const wishes = wishesOf(aim, opened);
  const wish = wishes[Math.min(place, wishes.length - 1)];

  const start = async (): Promise<void> => {
    const own = ++run.current;
    const mine = (act: () => void): void => {
      if (run.current === own) act();
    };
    setBusy(true);
    setError('');
    setProgress('starting');
    try {
      const made = await session.make({
        wish,
        seconds,
        range,
        onTrial: ({ quality, bytes }) =>
          mine(() => {
            if (!Number.isFinite(quality)) return;
            setTrials((all) => [...all, { quality, bytes: Math.max(1, bytes), as: 'trial' }]);
          }),
        log: (line) => mine(() => setProgress(line)),
      });
      mine(() => {
        setFiles((all) => [...all.filter((file) => !sameWish(file.wish, made.wish)), made]);
        setChosen(made);
        setProgress(`${formatBytes(made.file.size)} made`);
      });
    } catch (cause) {
      mine(() => {
        setProgress(cause instanceof Cancelled ? 'Cancelled.' : '');
        if (!(cause instanceof Cancelled)) setError((cause as Error).message);
      });
    }
    mine(() => setBusy(false));
  };

  const points: SizedPoint[] = [
    ...trials,
    ...files.flatMap((made): SizedPoint[] =>
      made.quality === undefined
        ? []
        : [{ bytes: made.file.size, quality: made.quality, as: made === chosen ? 'chosen' : 'file' }],
    ),
  ];
  const pictures = opened.inputs.some(({ shape }) => shape.length === 4 && [1, 3].includes(shape[3]));
  return (
    <section aria-labelledby="shrink">
      <h2 id="shrink">Make it smaller</h2>
      <div class="card">
        <div class="choices aim">
          <label for="wish">{aim === 'quality' ? 'How near to the original' : 'How large a file'}</label>
          <label>
            Aim at{' '}
            <select
              value={aim}
              disabled={busy}
              onChange={(event) => {
                const next = event.currentTarget.value as Aim;
                setAim(next);
                setPlace(firstOf(next));
              }}
            >
              <option value="quality">a quality</option>
              <option value="size">a size</option>
            </select>
          </label>
        </div>
        <input
          id="wish"
          type="range"
          min="0"
          max={wishes.length - 1}
          value={place}
          disabled={busy}
          aria-valuetext={inWords(wish, opened)}
          onInput={(event) => setPlace(Number(event.currentTarget.value))}
        />
        <div class="ends" aria-hidden="true">
          <span>same bits</span>
          <span>smallest</span>
        </div>
        <p class="wish">{inWords(wish, opened)}</p>
        <div class="choices">
          {busy ? (
            <button type="button" class="primary" onClick={() => session.cancel()}>
              Cancel
            </button>
          ) : (
            <button type="button" class="primary" onClick={start}>
              Compress
            </button>
          )}
          <span role="status" class="progress">
            {progress}
          </span>
        </div>
        <Alert text={error} />
        <details class="options">
          <summary>Options</summary>
          <div class="choices">
            {pictures && (
              <label>
                Black and white are{' '}
                <select
                  value={range.join('..')}
                  onChange={(event) => {
                    const [low, high] = event.currentTarget.value.split('..').map(Number);
                    setRange([low, high]);
                  }}
                >
                  {['0..1', '0..255', '-1..1'].map((one) => (
                    <option key={one} value={one}>
                      {one}
                    </option>
                  ))}
                </select>
              </label>
            )}
            <label>
              Time{' '}
              <select value={seconds} onChange={(event) => setSeconds(Number(event.currentTarget.value))}>
                <option value={20}>20 s</option>
                <option value={50}>50 s</option>
                <option value={300}>5 minutes</option>
                <option value={Number.POSITIVE_INFINITY}>all it takes: the same file everywhere</option>
              </select>
            </label>
            {'gpu' in navigator && (
              <label>
                Computes on{' '}
                <select
                  onChange={(event) => reopen(event.currentTarget.value as PageBackend)}
                  value={session.backend}
                >
                  <option value="wasm">WebAssembly</option>
                  <option value="webgpu">WebGPU</option>
                </select>
              </label>
            )}
          </div>
        </details>
      </div>
      {points.length > 0 && (
        <div class="card">
          <Html source={`<div class="scroll">${drawTrials(points)}</div>`} />
        </div>
      )}
      {files.length > 0 && (
        <fieldset class="card files">
          <legend>Files</legend>
          {files.map((made) => (
            <label key={JSON.stringify(made.wish)}>
              <input type="radio" name="file" checked={made === chosen} onChange={() => setChosen(made)} />
              <b>{formatBytes(made.file.size)}</b> {formatRatio(opened.bytes / made.file.size)} smaller,{' '}
              {qualityOf(made)}
              {made.notes.map((note) => ` ${note}`)}
            </label>
          ))}
        </fieldset>
      )}
      {chosen && <Take made={chosen} opened={opened} />}
      {chosen && opened.inputs.length > 0 && (
        <Beside key={chosen.file} session={session} made={chosen} opened={opened} range={range} />
      )}
    </section>
  );
}
