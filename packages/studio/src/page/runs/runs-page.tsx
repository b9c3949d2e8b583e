import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import type { RunListing } from '../../runs.js';
import { Alert } from '../view/alert.js';
import { type Looked, useLooks } from '../view/use-looks.js';
import { CompareView } from './compare-view.js';
import { RunView, State } from './run-view.js';
import { SearchView } from './search-view.js';
import { listRuns, type RunData, RunSource } from './source.js';

/** Milliseconds between two looks. */
const every = 2000;

interface Seen {
  readonly runs: readonly RunListing[];
  /** By path, of those that are shown. */
  readonly data: ReadonlyMap<string, RunData>;
}

/** Which runs the address names: `run=path`, several times to compare. */
function chosenIn(place: string): string[] {
  return new URLSearchParams(place).getAll('run');
}

const placeOf = (paths: readonly string[]): string =>
  paths.length === 0 ? 'runs' : new URLSearchParams(paths.map((path) => ['run', path])).toString();

/** Looks at the runs again and again, while the page is looked at. */
function useRuns(chosen: readonly string[]): Looked<Seen> {
  const source = useRef(new RunSource());
  const key = chosen.join('\n');
  const look = async (): Promise<Seen> => {
    const runs = await listRuns();
    const wanted = key === '' && runs.length === 1 ? [runs[0].path] : chosen;
    const shown = runs.filter(({ path }) => wanted.includes(path));
    const read = await Promise.all(
      shown.map(async (run): Promise<[string, RunData]> => [run.path, await source.current.read(run)]),
    );
    return { runs, data: new Map(read) };
  };
  const told = (): Promise<Seen> =>
    look().catch(() => {
      throw new Error('The command that serves this page has ended; what was read last is shown.');
    });
  return useLooks(told, every, key);
}

/** Runs of a folder: a list, and those that are chosen. */
export function RunsPage({ place }: { place: string }): VNode {
  const named = chosenIn(place);
  const { seen, error } = useRuns(named);
  if (!seen) return <p class="note">{error || 'Looking for runs…'}</p>;
  const { runs, data } = seen;
  const shown = runs.filter(({ path }) => data.has(path));
  const toggle = (path: string, on: boolean): void => {
    location.hash = placeOf(on ? [...named, path] : named.filter((one) => one !== path));
  };
  const [only] = shown;
  const known = only && data.get(only.path);
  return (
    <div class="watch">
      <Alert text={error} />
      <details open={shown.length === 0} class="card">
        <summary>
          {runs.length} {runs.length === 1 ? 'run' : 'runs'}
          {runs.some(({ state }) => state === 'running') &&
            `, ${runs.filter(({ state }) => state === 'running').length} at work`}
        </summary>
        {runs.length === 0 && <p class="note">Nothing has been run in this folder yet; this page looks again by itself.</p>}
        <ul class="runs">
          {runs.map((run) => (
            <li key={run.path}>
              <input
                type="checkbox"
                aria-label={`Compare ${run.path || 'this run'}`}
                checked={named.includes(run.path)}
                onChange={(event) => toggle(run.path, event.currentTarget.checked)}
              />
              <a href={`#${placeOf([run.path])}`}>{run.path || 'this folder'}</a> <State run={run} />
              {run.kind === 'search' && <span class="layer-type">search</span>}
            </li>
          ))}
        </ul>
      </details>
      {shown.length > 1 && (
        <CompareView runs={shown.map((run) => ({ run, data: data.get(run.path) as RunData }))} />
      )}
      {shown.length === 1 &&
        known &&
        (only.kind === 'search' && known.search ? (
          <SearchView run={only} search={known.search} />
        ) : (
          <RunView key={only.path} run={only} data={known} />
        ))}
    </div>
  );
}
