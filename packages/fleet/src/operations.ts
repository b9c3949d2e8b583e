import { randomUUID } from 'node:crypto';
import { EspalierError } from '@espalier/core';
import type { Fleet } from './fleet.js';

/** A line that a trial has said. */
export interface LogLine {
  readonly key: string;
  readonly name: string;
  readonly attempt: number;
  readonly at: Date;
  readonly line: string;
}

/**
 * What the trials of a study have said, in order.
 *
 * @param key - Of one trial alone, or how that begins.
 * @throws EspalierError `unknown-name`
 */
export async function logsOf(fleet: Fleet, study: string, key = ''): Promise<LogLine[]> {
  await known(fleet, study);
  const [there] = await fleet.database.query(
    'select 1 from espalier.trial where study = $1 and starts_with(key, $2) limit 1',
    [study, key],
  );
  if (there === undefined && key !== '') {
    throw new EspalierError('unknown-name', `The study ${study} has no trial ${key}.`, {
      remedy: `espalier fleet status ${study} lists them with their keys.`,
    });
  }
  return fleet.database.query(
    `select l.key, t.name, l.attempt, l.at, l.line from espalier.log l
     join espalier.trial t on t.study = l.study and t.key = l.key
     where l.study = $1 and starts_with(l.key, $2) order by l.id`,
    [study, key],
  );
}

/** @throws EspalierError `unknown-name` for a study that the fleet does not have */
export async function known({ database }: Fleet, study: string): Promise<void> {
  const rows = await database.query<{ name: string }>(
    'select name from espalier.study order by made desc limit 50',
  );
  if (rows.some(({ name }) => name === study)) return;
  const [there] = await database.query('select 1 from espalier.study where name = $1', [study]);
  if (there !== undefined) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw new EspalierError('unknown-name', `The fleet has no study ${study}.`, {
    remedy: names === '' ? 'It has none at all.' : `It has: ${names}.`,
  });
}

/** Ends what of a study has not ended; workers stop what they run of it. @returns how many trials */
export async function cancel(fleet: Fleet, study: string): Promise<number> {
  await known(fleet, study);
  await fleet.queue(study);
  return fleet.database.transaction(async (asks) => {
    const rows = await asks.query<{ job: string }>(
      `update espalier.trial set state = 'cancelled', ended = now(), lease = null
       where study = $1 and state in ('queued', 'running') returning job`,
      [study],
    );
    await fleet.end(
      study,
      rows.map(({ job }) => job),
      asks,
    );
    return rows.length;
  });
}

/** Puts what of a study failed or was cancelled into its queue once more. @returns how many trials */
export async function retry(fleet: Fleet, study: string): Promise<number> {
  await known(fleet, study);
  await fleet.queue(study);
  return fleet.database.transaction(async (asks) => {
    await asks.query('delete from espalier.refusal where study = $1', [study]);
    const rows = await asks.query<{ key: string }>(
      `select key from espalier.trial where study = $1 and state in ('failed', 'cancelled') order by number for update`,
      [study],
    );
    for (const { key } of rows) {
      const job = randomUUID();
      await asks.query(
        `update espalier.trial set state = 'queued', job = $3, failure = null, ended = null where study = $1 and key = $2`,
        [study, key, job],
      );
      await fleet.send(study, job, asks);
    }
    return rows.length;
  });
}

/** Lets workers end when what they run is done: all, or those of a name. @returns how many */
export async function drain({ database }: Fleet, name?: string): Promise<number> {
  const rows = await database.query(
    `update espalier.worker set draining = true
     where ended is null and seen > now() - interval '60 s' and ($1::text is null or name = $1) returning 1`,
    [name ?? null],
  );
  return rows.length;
}
