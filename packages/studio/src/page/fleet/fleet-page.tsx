import type { VNode } from 'preact';
import { Alert } from '../view/alert.js';
import { useLooks } from '../view/use-looks.js';
import { Failures } from './failures.js';
import { chosenIn, look } from './source.js';
import { Studies } from './studies.js';
import { Trials } from './trials.js';
import { Workers } from './workers.js';

/** Milliseconds between two looks. */
const every = 2000;

/** A fleet: its studies, workers and failures, and the trials of the study that is chosen. It is only looked at. */
export function FleetPage({ place }: { place: string }): VNode {
  const { seen, error } = useLooks(() => look(chosenIn(place)), every, place);
  if (!seen) {
    return (
      <>
        <Alert text={error} />
        {error === '' && <p class="note">Asking the fleet…</p>}
      </>
    );
  }
  const { fleet, trials, log } = seen;
  const { study = fleet.studies[0]?.name, trial } = chosenIn(place);
  const chosen = trials && fleet.studies.find(({ name }) => name === study);
  return (
    <div class="watch">
      <h1>Fleet</h1>
      <p class="meta">{fleet.shown}</p>
      <Alert text={error} />
      <Studies studies={fleet.studies} {...(chosen && { chosen: chosen.name })} />
      <Workers workers={fleet.workers} />
      <Failures failures={fleet.failures} />
      {chosen && trials && (
        <Trials
          study={chosen}
          trials={trials}
          {...(trial !== undefined && { chosen: trial })}
          log={log ?? []}
        />
      )}
    </div>
  );
}
