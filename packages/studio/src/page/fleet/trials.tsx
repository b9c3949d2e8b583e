import type { StudyStatus, TrialStatus } from '@espalier/fleet';
import { drawFront, type FrontTrial, formatBytes, formatDuration } from '@espalier/report';
import type { VNode } from 'preact';
import { costLabel, shownMeasure } from '../view/goal.js';
import { Html } from '../view/html.js';
import { Scroll } from '../view/scroll.js';
import { type FleetSeen, placeOf } from './source.js';

/** The trials that have something to compare, as a plot takes them; by their numbers in the table. */
function placesOf(trials: readonly TrialStatus[]): FrontTrial[] {
  return trials.flatMap(({ outcome }, trial) =>
    outcome === undefined
      ? []
      : [{ trial, bytes: outcome.bytes, cost: outcome.cost, partial: outcome.partial }],
  );
}

function Row({
  study,
  trial,
  at,
  here,
}: {
  study: string;
  trial: TrialStatus;
  at: number;
  here: boolean;
}): VNode {
  const { key, name, state, attempt, worker, seconds, epoch, outcome, failure } = trial;
  return (
    <tr>
      <td class="n">{at}</td>
      <td class="name">
        <a href={placeOf(study, key)} {...(here && { 'aria-current': 'true' as const })}>
          {name}
        </a>
        {failure !== undefined && <span class="layer-type">{failure}</span>}
      </td>
      <td>
        <span class={`state ${state}`}>{state}</span>
      </td>
      <td>{worker ?? ''}</td>
      <td class="n">{attempt}</td>
      <td>
        {epoch &&
          `${epoch.stage}, epoch ${epoch.epoch + 1}${epoch.loss === undefined ? '' : `, loss ${epoch.loss.toPrecision(4)}`}`}
      </td>
      <td class="n">{seconds === undefined ? '' : formatDuration(seconds)}</td>
      <td class="n">{outcome ? shownMeasure(outcome.measure, outcome.goal) : ''}</td>
      <td class="n">{outcome ? formatBytes(outcome.bytes) : ''}</td>
    </tr>
  );
}

/** A study's trials: the front, a table, and what the one that is chosen has said. */
export function Trials({
  study,
  trials,
  chosen,
  log,
}: {
  study: StudyStatus;
  trials: readonly TrialStatus[];
  chosen?: string;
  log: NonNullable<FleetSeen['log']>;
}): VNode {
  const { goal, front, name } = study;
  const places = placesOf(trials);
  const spoken = trials.find(({ key }) => key === chosen);
  return (
    <section aria-label={`Trials of ${name}`}>
      <h2>{name}</h2>
      {places.length > 0 && (
        <div class="grid2">
          <Scroll label="Front">
            <Html source={drawFront(places, { label: costLabel(goal), percent: goal === undefined })} />
          </Scroll>
          <div class="card">
            <h3>Best front</h3>
            <ul class="runs">
              {front.map((one) => (
                <li key={one.name}>
                  {formatBytes(one.bytes)} at {shownMeasure(one.measure, goal)} {goal?.metric ?? 'error'}:{' '}
                  {one.name}
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
      {spoken && (
        <div class="card">
          <h3>What {spoken.name} said</h3>
          <Scroll label="Log" kind="log">
            <pre>
              {log.length === 0
                ? 'Nothing yet.'
                : log
                    .map(
                      ({ at, attempt, line }) =>
                        `${at.slice(11, 19)} ${attempt > 1 ? `(${attempt}) ` : ''}${line}`,
                    )
                    .join('\n')}
            </pre>
          </Scroll>
        </div>
      )}
      <Scroll label="Table of trials">
        <table>
          <thead>
            <tr>
              <th class="n">#</th>
              <th>Trial</th>
              <th>State</th>
              <th>Worker</th>
              <th class="n">Attempts</th>
              <th>Last epoch</th>
              <th class="n">Time</th>
              <th class="n">{goal?.metric ?? 'Error'}</th>
              <th class="n">Bytes</th>
            </tr>
          </thead>
          <tbody>
            {trials.map((trial, at) => (
              <Row key={trial.key} study={name} trial={trial} at={at} here={trial.key === chosen} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
