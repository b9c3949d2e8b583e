import { drawFront, drawHypervolume, drawParallel, type ValuedTrial } from '@espalier/report';
import type { VNode } from 'preact';
import type { RunListing } from '../../runs.js';
import { costLabel } from '../view/goal.js';
import { Html } from '../view/html.js';
import { OwnPage, State } from './run-view.js';
import type { SearchState } from './source.js';

/** What a search's trials are compared by is to be small, here: a goal that is to be high counts downwards. */
function costsOf({ trials, goal }: SearchState): ValuedTrial[] {
  const last = Math.max(0, ...trials.map(({ rung }) => rung));
  return trials.flatMap(({ trial, rung, values, error, value, bytes, failed }): ValuedTrial[] => {
    const cost = goal === undefined ? error : value === undefined ? Number.NaN : goal.better === 'higher' ? -value : value;
    const plain = failed === undefined && bytes > 0 && Number.isFinite(cost);
    return plain ? [{ trial, values, bytes, cost, partial: rung < last }] : [];
  });
}

/** A search's trials: error against bytes with the front, hypervolume over time, parallel coordinates. */
export function SearchView({ run, search }: { run: RunListing; search: SearchState }): VNode {
  const trials = costsOf(search);
  const failed = search.trials.length - trials.length;
  const { goal, pending = [] } = search;
  const atWork = run.state === 'running' ? pending.length : 0;
  const label = costLabel(goal);
  const view = { label, percent: goal === undefined };
  return (
    <>
      <header>
        <h1>{run.path || 'This search'}</h1>
        <p class="meta">
          <State run={run} /> · {search.trials.length} {search.trials.length === 1 ? 'trial' : 'trials'}
          {failed > 0 && `, ${failed} of them failed`}
          {atWork > 0 && `, ${atWork} at work`}
        </p>
        <OwnPage run={run} name="Its table" />
      </header>
      {trials.length === 0 ? (
        <p class="note">No trial is done yet.</p>
      ) : (
        <>
          <section class="grid2" aria-label="Trials">
            <div class="card">
              <Html source={drawFront(trials, view)} />
            </div>
            <div class="card">
              <Html source={drawHypervolume(trials)} />
              <p class="facts">
                Of all sizes and all {label} up to the worst trial's, the share that some trial so far is as good as.
              </p>
            </div>
          </section>
          <div class="card scroll" tabIndex={0} role="region" aria-label="Parallel coordinates">
            <Html source={drawParallel(trials, view)} />
          </div>
        </>
      )}
    </>
  );
}
