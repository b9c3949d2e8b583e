import type { Failure } from '@espalier/fleet';
import type { VNode } from 'preact';
import { placeOf } from './source.js';

/** Trials that failed, each with the end of its log, and a way to all of it. */
export function Failures({ failures }: { failures: readonly Failure[] }): VNode | null {
  if (failures.length === 0) return null;
  return (
    <section aria-label="Failures">
      <h2>Failures</h2>
      {failures.map(({ study, key, name, attempt, failure, lines }) => (
        <details key={`${study}/${key}`} class="card">
          <summary>
            <b>{name}</b> of {study}: {failure}
          </summary>
          <pre>{lines.length === 0 ? 'It said nothing.' : lines.join('\n')}</pre>
          <p class="facts">
            {attempt === 1 ? 'Its only attempt' : `The last of ${attempt} attempts`};{' '}
            <a href={placeOf(study, key)}>all that it said</a>. Once more:{' '}
            <code>espalier fleet retry {study}</code>
          </p>
        </details>
      ))}
    </section>
  );
}
