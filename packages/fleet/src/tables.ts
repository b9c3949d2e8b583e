import type { Database } from './database.js';

/** The schema of pg-boss. */
export const queueSchema = 'espalier_jobs';

/** What a fleet keeps, in a schema of its own; the queues are pg-boss's, in another. */
const statements = [
  `create schema if not exists espalier`,
  // pg-boss makes its schema, too, behind a lock of its own; but a connection that has looked for it before remembers that it was not there.
  `create schema if not exists ${queueSchema}`,
  `create table if not exists espalier.blob (
    hash text primary key, bytes bytea not null)`,
  `create table if not exists espalier.bundle (
    id text primary key, manifest jsonb not null, signature text not null, made timestamptz not null default now())`,
  `create table if not exists espalier.study (
    name text primary key, bundle text not null references espalier.bundle, tags text[] not null,
    made timestamptz not null default now())`,
  `create table if not exists espalier.trial (
    study text not null references espalier.study on delete cascade, key text not null, name text not null,
    task jsonb not null, signature text not null, job uuid not null,
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    attempt int not null default 0, lost int not null default 0, worker uuid, lease timestamptz, lease_seconds float8 not null default 30,
    asked timestamptz not null default now(), begun timestamptz, ended timestamptz,
    result jsonb, failure text, number bigint generated always as identity,
    primary key (study, key))`,
  `create index if not exists trial_queued on espalier.trial (study) where state = 'queued'`,
  `create index if not exists trial_lease on espalier.trial (lease) where state = 'running'`,
  `create table if not exists espalier.epoch (
    study text not null, key text not null, stage text not null, epoch int not null, metrics jsonb not null,
    at timestamptz not null default now(), primary key (study, key, stage, epoch),
    foreign key (study, key) references espalier.trial on delete cascade)`,
  `create table if not exists espalier.log (
    id bigint generated always as identity primary key, study text not null, key text not null, attempt int not null,
    line text not null, at timestamptz not null default now(),
    foreign key (study, key) references espalier.trial on delete cascade)`,
  `create index if not exists log_trial on espalier.log (study, key)`,
  `create table if not exists espalier.file (
    study text not null, key text not null, path text not null, hash text not null references espalier.blob,
    primary key (study, key, path), foreign key (study, key) references espalier.trial on delete cascade)`,
  `create index if not exists file_hash on espalier.file (hash)`,
  `create table if not exists espalier.checkpoint (
    study text not null, key text not null, path text not null, hash text not null references espalier.blob,
    primary key (study, key, path), foreign key (study, key) references espalier.trial on delete cascade)`,
  `create index if not exists checkpoint_hash on espalier.checkpoint (hash)`,
  `create table if not exists espalier.worker (
    id uuid primary key, name text not null, host text not null, pid int not null, backend text not null,
    tags text[] not null, slots int not null, begun timestamptz not null default now(),
    seen timestamptz not null default now(), draining boolean not null default false, ended timestamptz)`,
  `create table if not exists espalier.refusal (
    worker uuid not null references espalier.worker on delete cascade, study text not null, reason text not null,
    primary key (worker, study))`,
];

/** Makes the tables where they are missing; one process at a time. */
export async function makeTables(database: Database): Promise<void> {
  await database.transaction(async (asks) => {
    await asks.query(`select pg_advisory_xact_lock(hashtext('espalier tables'))`);
    for (const statement of statements) await asks.query(statement);
  });
}
