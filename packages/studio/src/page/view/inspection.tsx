import type { InspectionParts } from '@espalier/report';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Cancelled, type Session } from '../session.js';
import { Html } from './html.js';

/** The tables and plots of `espalier inspect`. What the model would take in other forms is worked out when asked for. */
export function Inspection({
  session,
  onReady,
}: {
  session: Session;
  onReady: (looked: Promise<unknown>) => void;
}): VNode {
  const [parts, setParts] = useState<InspectionParts>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const look = async (costs: boolean): Promise<void> => {
    setBusy(true);
    const looking = session.inspect(costs);
    onReady(looking);
    try {
      setParts(await looking);
    } catch (cause) {
      if (!(cause instanceof Cancelled)) setError((cause as Error).message);
    }
    setBusy(false);
  };
  useEffect(() => {
    void look(false);
  }, [session]);
  if (!parts) return <p class="note">{error || 'Looking at its tensors…'}</p>;
  return (
    <>
      <Html source={parts.facts} label="Tensors" />
      {parts.forms === '' ? (
        <section>
          <h2>What it would take in other forms</h2>
          <p class="note">
            float32 through gzip, the converter's uint8 through Brotli, codebooks of k-means, .esp.
          </p>
          <button type="button" disabled={busy} onClick={() => look(true)}>
            {busy ? 'Working it out…' : 'Work it out'}
          </button>
          {error !== '' && <p class="error">{error}</p>}
        </section>
      ) : (
        <>
          <Html source={parts.forms} label="Forms" />
          <Html source={parts.costs} label="What each tensor would take" />
        </>
      )}
    </>
  );
}
