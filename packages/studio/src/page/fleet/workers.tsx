import type { WorkerStatus } from '@espalier/fleet';
import type { VNode } from 'preact';
import { Scroll } from '../view/scroll.js';

/** Workers that were heard of within a minute. */
export function Workers({ workers }: { workers: readonly WorkerStatus[] }): VNode {
  return (
    <section aria-label="Workers">
      <h2>Workers</h2>
      {workers.length === 0 ? (
        <p class="note">
          None was heard of within a minute: start some with <code>espalier worker</code>.
        </p>
      ) : (
        <Scroll label="Table of workers">
          <table>
            <thead>
              <tr>
                <th>Worker</th>
                <th>Machine</th>
                <th>Backend</th>
                <th>Tags</th>
                <th class="n">Running</th>
                <th class="n">Done</th>
                <th class="n">Heard of</th>
              </tr>
            </thead>
            <tbody>
              {workers.map(({ id, name, host, backend, tags, slots, running, done, draining, silent }) => (
                <tr key={id}>
                  <td class="name">
                    {name} {draining && <span class="state">draining</span>}
                  </td>
                  <td>{host}</td>
                  <td>{backend}</td>
                  <td>{tags.join(', ')}</td>
                  <td class="n">
                    {running} of {slots}
                  </td>
                  <td class="n">{done}</td>
                  <td class="n">{silent.toFixed(0)} s ago</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}
