import { randomUUID } from 'node:crypto';
import { EspalierError } from '@espalier/core';
import type { Fleet } from './fleet.js';

/** A study as it stands. */
export interface StudyStatus {
  readonly name: string;
  readonly queued: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Trials that ended within the last ten minutes, a minute. */
  readonly perMinute: number;
  /** At that rate, seconds for what is left; absent where nothing ends. */
  readonly secondsLeft?: number;
  /** Error, or value, and bytes of the best trials: no other is better in both. */
  readonly front: readonly { readonly name: string; readonly error: number; readonly bytes: number }[];
  readonly refusals: readonly { readonly worker: string; readonly reason: string }[];
}

/** A worker as it stands. */
export interface WorkerStatus {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly backend: string;
  readonly tags: readonly string[];
  readonly slots: number;
  readonly running: number;
  readonly done: number;
  readonly draining: boolean;
  /** Seconds since it was heard of. */
  readonly silent: number;
}

/** A trial that failed, and the last thing it said. */
export interface Failure {
  readonly study: string;
  readonly key: string;
  readonly name: string;
  readonly failure: string;
}

/** What there is of a fleet. */
export interface FleetStatus {
  readonly studies: readonly StudyStatus[];
  readonly workers: readonly WorkerStatus[];
  readonly failures: readonly Failure[];
}

type Row = Record<string, never> & { [name: string]: string | number };

/** How a fleet stands: its studies, the workers that were heard of within a minute, what failed. */
export async function statusOf({ database }: Fleet): Promise<FleetStatus> {
  const studies = await database.query<Row>(
    `select s.name, count(*) filter (where state = 'queued') queued, count(*) filter (where state = 'running') running,
       count(*) filter (where state = 'done') done, count(*) filter (where state = 'failed') failed,
       count(*) filter (where state = 'cancelled') cancelled,
       count(*) filter (where state = 'done' and ended > now() - interval '10 min')
         / greatest(0.1, least(10, extract(epoch from now() - min(begun)) / 60)) per_minute
     from espalier.study s left join espalier.trial t on t.study = s.name group by s.name, s.made order by s.made`,
  );
  const workers = await database.query<Row>(
    `select w.id, w.name, host, backend, tags, slots, draining, extract(epoch from now() - seen) silent,
       count(t.key) filter (where t.state = 'running') running, count(t.key) filter (where t.state = 'done') done
     from espalier.worker w left join espalier.trial t on t.worker = w.id
     where w.ended is null and seen > now() - interval '60 s' group by w.id order by w.name, w.begun`,
  );
  const failures = await database.query<Failure>(
    `select study, key, name, failure from espalier.trial where state = 'failed' order by ended desc limit 20`,
  );
  const refused = await database.query<{ study: string; worker: string; reason: string }>(
    `select r.study, w.name worker, r.reason from espalier.refusal r join espalier.worker w on w.id = r.worker
     where w.ended is null and w.seen > now() - interval '60 s' order by 1, 2`,
  );
  const ends = await database.query<{ study: string; name: string; cost: string; bytes: string }>(
    `select study, name, coalesce(result->>'error', result->>'value') cost, result->>'bytes' bytes from espalier.trial
     where state = 'done' and jsonb_typeof(result->'bytes') = 'number'
       and jsonb_typeof(coalesce(result->'error', result->'value')) = 'number'
     order by number`,
  );
  return {
    studies: studies.map((row) => {
      const { name } = row as unknown as { name: string };
      const count = (of: string): number => Number(row[of]);
      const [perMinute, left] = [count('per_minute'), count('queued') + count('running')];
      return {
        name,
        queued: count('queued'),
        running: count('running'),
        done: count('done'),
        failed: count('failed'),
        cancelled: count('cancelled'),
        perMinute,
        ...(perMinute > 0 && { secondsLeft: (60 * left) / perMinute }),
        front: frontOf(ends.filter(({ study }) => study === name)),
        refusals: refused
          .filter(({ study }) => study === name)
          .map(({ worker, reason }) => ({ worker, reason })),
      };
    }),
    workers: workers.map(
      (row) =>
        ({
          ...row,
          running: Number(row.running),
          done: Number(row.done),
          silent: Number(row.silent),
        }) as never,
    ),
    failures,
  };
}

function frontOf(
  rows: readonly { name: string; cost: string; bytes: string }[],
): { name: string; error: number; bytes: number }[] {
  const all = rows.map(({ name, cost, bytes }) => ({ name, error: Number(cost), bytes: Number(bytes) }));
  all.sort((a, b) => a.bytes - b.bytes || a.error - b.error);
  let least = Number.POSITIVE_INFINITY;
  return all.filter(({ error }) => {
    const better = error < least;
    least = Math.min(least, error);
    return better;
  });
}

/** A line that a trial has said. */
export interface LogLine {
  readonly key: string;
  readonly name: string;
  readonly attempt: number;
  readonly at: Date;
  readonly line: string;
}

/** What the trials of a study have said, in order; of one trial alone by its key. @throws EspalierError `unknown-name` */
export async function logsOf(fleet: Fleet, study: string, key?: string): Promise<LogLine[]> {
  await known(fleet, study);
  return fleet.database.query(
    `select l.key, t.name, l.attempt, l.at, l.line from espalier.log l
     join espalier.trial t on t.study = l.study and t.key = l.key
     where l.study = $1 and ($2::text is null or l.key = $2) order by l.id`,
    [study, key ?? null],
  );
}

async function known({ database }: Fleet, study: string): Promise<void> {
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
