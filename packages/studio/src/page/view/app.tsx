import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
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

/** The whole page. @param watches - Does a server hand out runs? */
export function App({ watches }: { watches: boolean }): VNode {
  const place = usePlace();
  const model = !watches || place === 'model';
  return (
    <>
      <header class="bar">
        <b>Espalier studio</b>
        {watches && (
          <nav aria-label="Views">
            <Tab to="runs" here={!model}>
              Runs
            </Tab>
            <Tab to="model" here={model}>
              Drop a model
            </Tab>
          </nav>
        )}
      </header>
      <main>
        <div hidden={!model}>
          <ModelPage />
        </div>
        {watches && !model && <RunsPage place={place} />}
      </main>
    </>
  );
}
