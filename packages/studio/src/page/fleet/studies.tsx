import type { StudyStatus } from '@espalier/fleet';
import { formatDuration } from '@espalier/report';
import type { VNode } from 'preact';
import { Scroll } from '../view/scroll.js';
import { placeOf } from './source.js';

/** Studies: how many of their trials are where, at which rate they end, and when the last will. */
export function Studies({ studies, chosen }: { studies: readonly StudyStatus[]; chosen?: string }): VNode {
  if (studies.length === 0) {
    return (
      <p class="note">
        The fleet has no study yet: <code>espalier search recipe.yaml --fleet …</code> makes one. This page
        looks again by itself.
      </p>
    );
  }
  return (
    <section aria-label="Studies">
      <h2>Studies</h2>
      <Scroll label="Table of studies">
        <table>
          <thead>
            <tr>
              <th>Study</th>
              <th>Progress</th>
              <th class="n">Queued</th>
              <th class="n">Running</th>
              <th class="n">Done</th>
              <th class="n">Failed</th>
              <th class="n">Cancelled</th>
              <th class="n">A minute</th>
              <th class="n">Time left</th>
            </tr>
          </thead>
          <tbody>
            {studies.map((study) => {
              const { name, queued, running, done, failed, cancelled, perMinute, secondsLeft } = study;
              const left = queued + running;
              const all = left + done + failed + cancelled;
              return (
                <tr key={name}>
                  <td class="name">
                    <a href={placeOf(name)} {...(name === chosen && { 'aria-current': 'true' as const })}>
                      {name}
                    </a>
                  </td>
                  <td>
                    <progress
                      aria-label={`${name}: ${all - left} of ${all} trials have ended`}
                      max={all || 1}
                      value={all - left}
                    />
                  </td>
                  {[queued, running, done, failed, cancelled].map((count) => (
                    <td class="n">{count}</td>
                  ))}
                  <td class="n">{perMinute > 0 && left > 0 ? perMinute.toPrecision(2) : '–'}</td>
                  <td class="n">
                    {left === 0 ? 'ended' : secondsLeft === undefined ? '–' : formatDuration(secondsLeft)}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
      {studies.flatMap(({ name, refusals }) =>
        refusals.map(({ worker, reason }) => (
          <p class="error">
            {worker} refuses {name}: {reason}
          </p>
        )),
      )}
    </section>
  );
}
