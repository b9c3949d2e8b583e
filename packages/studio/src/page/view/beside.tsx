import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { Session } from '../session.js';
import type { Made } from '../work/make.js';
import type { Given, TriedOn } from '../work/trial-run.js';
import type { Opened } from '../work/worker.js';
import { Alert } from './alert.js';
import { givenOf } from './given.js';
import { Output } from './output.js';

/** The file beside the original, on what a person gives or on what is made up. */
export function Beside({
  session,
  made,
  opened,
  range,
}: {
  session: Session;
  made: Made;
  opened: Opened;
  range: readonly [number, number];
}): VNode {
  const [tried, setTried] = useState<TriedOn>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const run = async (given: Promise<Given>): Promise<void> => {
    setBusy(true);
    setError('');
    try {
      setTried(await session.tryOn(made.file, await given, range));
    } catch (cause) {
      setError((cause as Error).message);
    }
    setBusy(false);
  };
  const give = (files: Iterable<File> | null | undefined): void => {
    const [file] = files ?? [];
    if (file) void run(givenOf(file, opened.inputs));
  };
  return (
    <section
      class="card"
      aria-label="Beside the original"
      onDrop={(event) => {
        event.preventDefault();
        give(event.dataTransfer?.files);
      }}
    >
      <h3>Beside the original</h3>
      <p class="note">
        Drop a picture, a sound or a .npy array on this box: both run on it, here in the page.
      </p>
      <div class="choices">
        <label class="button">
          Choose an input
          <input
            type="file"
            id="input"
            class="hidden-input"
            accept="image/*,audio/*,.npy"
            onChange={(event) => give(event.currentTarget.files)}
          />
        </label>
        <button type="button" disabled={busy} onClick={() => run(Promise.resolve({ kind: 'made up' }))}>
          Try one that is made up
        </button>
        <span role="status" class="progress">
          {busy ? 'running both…' : ''}
        </span>
      </div>
      <Alert text={error} />
      {tried && (
        <>
          <p class="note" id="tried">
            On {tried.on}: no value differs by more than {(100 * tried.difference).toPrecision(2)} % of what
            the original's outputs span.
          </p>
          <div class="outputs">
            {tried.inputs.map((input) => (
              <Output key={input.name} title={`input ${input.name}`} shown={input} range={range} />
            ))}
            {tried.original.flatMap((output, i) => [
              <Output key={`o${output.name}`} title="original" shown={output} range={range} ranked />,
              <Output key={`s${output.name}`} title="the file" shown={tried.small[i]} range={range} ranked />,
            ])}
          </div>
        </>
      )}
    </section>
  );
}
