import { EspalierError } from '@espalier/core';
import type { Asks } from './database.js';
import type { Fleet } from './fleet.js';
import { hashOf } from './key.js';
import { plainText } from './plain.js';

/** A trial that a worker has for now. Which attempt it is decides whether what it says still counts. */
export interface Lease {
  readonly study: string;
  readonly key: string;
  readonly name: string;
  readonly job: string;
  readonly attempt: number;
  readonly bundle: string;
  readonly task: unknown;
  readonly signature: string;
}

/** A file that goes into the store. */
export interface Kept {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** For how many seconds a trial is a worker's that does not say that it still has it, where nothing else is said. */
export const leaseSeconds = 30;

/** Takes the next trial of a study, if there is one. */
export async function take(
  fleet: Fleet,
  study: string,
  worker: string,
  seconds: number = leaseSeconds,
): Promise<Lease | undefined> {
  await fleet.queue(study);
  return fleet.database.transaction(async (asks) => {
    const job = await fleet.fetch(study, asks);
    if (job === undefined) return undefined;
    const [trial] = await asks.query<Lease>(
      `update espalier.trial t set state = 'running', attempt = attempt + 1, worker = $3, failure = null,
         lease = now() + make_interval(secs => $4), lease_seconds = $4, begun = coalesce(begun, now())
       from espalier.study s where s.name = t.study and t.study = $1 and t.job = $2 and t.state = 'queued'
       returning t.study, t.key, t.name, t.job, t.attempt, s.bundle, t.task, t.signature`,
      [study, job, worker, seconds],
    );
    if (trial === undefined) await fleet.end(study, [job], asks); // It was cancelled meanwhile.
    return trial;
  });
}

/** The trial is still this worker's, and the row is locked; or the transaction has nothing to say. */
async function mine(asks: Asks, { study, key, attempt }: Lease): Promise<boolean> {
  const rows = await asks.query(
    `select 1 from espalier.trial where study = $1 and key = $2 and attempt = $3 and state = 'running' for update`,
    [study, key, attempt],
  );
  return rows.length > 0;
}

/** Lines and epochs of a trial since the last time. */
export interface News {
  readonly lines: readonly string[];
  readonly epochs: readonly { readonly stage: string; readonly epoch: number }[];
}

/** Renews a lease and tells what has happened since. @returns whether the trial is still this worker's */
export async function renew(fleet: Fleet, lease: Lease, { lines, epochs }: News): Promise<boolean> {
  const { study, key, attempt } = lease;
  return fleet.database.transaction(async (asks) => {
    const rows = await asks.query(
      `update espalier.trial set lease = now() + make_interval(secs => lease_seconds)
       where study = $1 and key = $2 and attempt = $3 and state = 'running' returning 1`,
      [study, key, attempt],
    );
    if (rows.length === 0) return false;
    if (lines.length > 0) {
      await asks.query(
        `insert into espalier.log (study, key, attempt, line) select $1, $2, $3, unnest($4::text[])`,
        [study, key, attempt, [...lines]],
      );
    }
    if (epochs.length > 0) {
      // An epoch that is trained again after a loss is the same one.
      const last = [...new Map(epochs.map((one) => [`${one.stage}/${one.epoch}`, one])).values()];
      await asks.query(
        `insert into espalier.epoch (study, key, stage, epoch, metrics)
         select $1, $2, m->>'stage', (m->>'epoch')::int, m from jsonb_array_elements($3::jsonb) m
         on conflict (study, key, stage, epoch) do update set metrics = excluded.metrics`,
        [study, key, plainText(last)],
      );
    }
    return true;
  });
}

async function putFiles(
  asks: Asks,
  table: 'file' | 'checkpoint',
  { study, key }: Lease,
  files: readonly Kept[],
): Promise<void> {
  for (const { path, bytes } of files) {
    const hash = hashOf(bytes);
    const there = await asks.query('select 1 from espalier.blob where hash = $1 for key share', [hash]);
    if (there.length === 0) {
      await asks.query('insert into espalier.blob values ($1, $2) on conflict do nothing', [
        hash,
        Buffer.from(bytes),
      ]);
    }
    await asks.query(`insert into espalier.${table} (study, key, path, hash) values ($1, $2, $3, $4)`, [
      study,
      key,
      path,
      hash,
    ]);
  }
}

/** Removes a trial's checkpoint, and what only it held of the store. */
async function dropCheckpoint(asks: Asks, { study, key }: Pick<Lease, 'study' | 'key'>): Promise<void> {
  const gone = await asks.query<{ hash: string }>(
    'delete from espalier.checkpoint where study = $1 and key = $2 returning hash',
    [study, key],
  );
  if (gone.length === 0) return;
  await asks.query(
    `delete from espalier.blob b where hash = any($1)
       and not exists (select 1 from espalier.file f where f.hash = b.hash)
       and not exists (select 1 from espalier.checkpoint c where c.hash = b.hash)
       and not exists (select 1 from espalier.bundle u, jsonb_array_elements(u.manifest->'files') f
                       where f->>'hash' = b.hash)`,
    [gone.map(({ hash }) => hash)],
  );
}

/** Keeps where a trial stands, in place of what was kept before. @returns whether the trial is still this worker's */
export async function keep(fleet: Fleet, lease: Lease, files: readonly Kept[]): Promise<boolean> {
  return fleet.database.transaction(async (asks) => {
    if (!(await mine(asks, lease))) return false;
    await dropCheckpoint(asks, lease);
    await putFiles(asks, 'checkpoint', lease, files);
    return true;
  });
}

/** The files of a trial's last checkpoint. */
export async function kept(fleet: Fleet, { study, key }: Lease): Promise<{ path: string; hash: string }[]> {
  return fleet.database.query('select path, hash from espalier.checkpoint where study = $1 and key = $2', [
    study,
    key,
  ]);
}

/**
 * Ends a trial: its state, its result, its files and its job's end are one transaction.
 *
 * @returns whether it counts: false where the trial was given to another, or cancelled
 */
export async function finish(
  fleet: Fleet,
  lease: Lease,
  result: unknown,
  files: readonly Kept[],
): Promise<boolean> {
  return end(fleet, lease, 'done', plainText(result), null, files);
}

/** Ends a trial that will not go better elsewhere. */
export async function giveUp(fleet: Fleet, lease: Lease, failure: string): Promise<boolean> {
  return end(fleet, lease, 'failed', null, failure, []);
}

async function end(
  fleet: Fleet,
  lease: Lease,
  state: 'done' | 'failed',
  result: string | null,
  failure: string | null,
  files: readonly Kept[],
): Promise<boolean> {
  const { study, key, job, attempt } = lease;
  return fleet.database.transaction(async (asks) => {
    if (!(await mine(asks, lease))) {
      // Perhaps an answer was lost on its way: the transaction before this one has ended it.
      const [there] = await asks.query<{ state: string; attempt: number }>(
        'select state, attempt from espalier.trial where study = $1 and key = $2',
        [study, key],
      );
      return there?.state === state && there.attempt === attempt;
    }
    await dropCheckpoint(asks, lease);
    await putFiles(asks, 'file', lease, files);
    await asks.query(
      `update espalier.trial set state = $3, result = $4, failure = $5, ended = now(), lease = null
       where study = $1 and key = $2`,
      [study, key, state, result, failure],
    );
    await fleet.end(study, [job], asks);
    return true;
  });
}

/** Gives a trial back: to others, after a pause that grows, or up where that was often enough. */
export async function release(fleet: Fleet, lease: Lease, failure: string): Promise<void> {
  const { study, key, job } = lease;
  await fleet.database.transaction(async (asks) => {
    if (!(await mine(asks, lease))) return;
    const again = await fleet.giveBack(study, job, asks);
    await asks.query(
      `update espalier.trial set state = $3, failure = $4, lease = null, ended = case when $3 = 'failed' then now() end
       where study = $1 and key = $2`,
      [study, key, again ? 'queued' : 'failed', failure],
    );
  });
}

/** @throws EspalierError `bad-signature` for a task that was not signed with the fleet's key, with this bundle */
export function checkSigned(fleet: Fleet, { bundle, task, signature, name }: Lease): void {
  if (fleet.key.signed('trial', { bundle, task }, signature)) return;
  throw new EspalierError('bad-signature', `${name} was not signed with this fleet's key.`, {
    remedy: 'Nothing of it is run. Give all machines of the fleet the same key.',
  });
}
