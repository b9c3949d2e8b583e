import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Alert } from '../view/alert.js';
import { Failures } from './failures.js';
import { chosenIn, type FleetSeen, look } from './source.js';
import { Studies } from './studies.js';
import { Trials } from './trials.js';
import { Workers } from './workers.js';

/** Milliseconds between two looks. */
const every = 2000;

/** Looks at the fleet again and again; what was seen last stays while it does not answer. */
function useFleet(place: string): { seen: FleetSeen | undefined; error: string } {
  const [seen, setSeen] = useState<FleetSeen>();
  const [error, setError] = useState('');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let here = true;
    const again = async (): Promise<void> => {
      const [found, wrong] = await look(chosenIn(place)).then(
        (found) => [found, ''] as const,
        (error: Error) => [undefined, error.message] as const,
      );
      if (!here) return;
      if (found) setSeen(found);
      setError(wrong);
      timer = setTimeout(again, every);
    };
    void again();
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [place]);
  return { seen, error };
}

/** A fleet: its studies, workers and failures, and the trials of the study that is chosen. It is only looked at. */
export function FleetPage({ place }: { place: string }): VNode {
  const { seen, error } = useFleet(place);
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
