import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { FleetPage } from '../fleet/fleet-page.js';
import { RunsPage } from '../runs/runs-page.js';
import { ModelPage } from './model-page.js';

function usePlace(): string {
  const [place, setPlace] = useState(location.hash.slice(1));
  useEffect(() => {
    const follow = (): void => setPlace(location.hash.slice(1));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return place;
}

function Tab({ to, here, children }: { to: string; here: boolean; children: ComponentChildren }): VNode {
  return (
    <a href={`#${to}`} {...(here && { 'aria-current': 'page' as const })}>
      {children}
    </a>
  );
}

/** Which part of the page an address is of: the first there is where it names none. */
function viewOf(
  place: string,
  { watches, fleet }: { watches: boolean; fleet: boolean },
): 'runs' | 'fleet' | 'model' {
  if (place === 'model') return 'model';
  if (fleet && (!watches || new URLSearchParams(place).has('fleet'))) return 'fleet';
  return watches ? 'runs' : 'model';
}

/** The whole page. @param watches - Does a server hand out runs? @param fleet - Does it ask a fleet? */
export function App({ watches, fleet }: { watches: boolean; fleet: boolean }): VNode {
  const place = usePlace();
  const view = viewOf(place, { watches, fleet });
  return (
    <>
      <header class="bar">
        <b>Espalier studio</b>
        {(watches || fleet) && (
          <nav aria-label="Views">
            {watches && (
              <Tab to="runs" here={view === 'runs'}>
                Runs
              </Tab>
            )}
            {fleet && (
              <Tab to="fleet" here={view === 'fleet'}>
                Fleet
              </Tab>
            )}
            <Tab to="model" here={view === 'model'}>
              Drop a model
            </Tab>
          </nav>
        )}
      </header>
      <main>
        <div hidden={view !== 'model'}>
          <ModelPage />
        </div>
        {view === 'runs' && <RunsPage place={place} />}
        {view === 'fleet' && <FleetPage place={place} />}
      </main>
    </>
  );
}
