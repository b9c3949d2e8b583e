import { EspalierError, unknownName } from '@espalier/core';
import type { FleetStatus, StudyStatus, TrialStatus } from '@espalier/fleet';
import { formatBytes, formatDuration, formatTable } from '@espalier/report';
import { defineCommand } from 'citty';
import { fleetPackage } from '../fleet/in-fleet.js';
import { print } from '../terminal/stream.js';
import { checkArguments, jsonArgument, printJson, warn } from './common.js';
import { fleetUrl } from './crew-options.js';

const actions = ['status', 'logs', 'cancel', 'retry', 'drain'] as const;

const args = {
  action: { type: 'positional', required: true, description: actions.join(', ') },
  name: {
    type: 'positional',
    required: false,
    description:
      'Of a study: its trials, for status; for logs, cancel and retry. Of workers, for drain (default: all)',
  },
  fleet: {
    type: 'string',
    description: 'postgres://user@host/database (default: ESPALIER_FLEET)',
    valueHint: 'url',
  },
  trial: {
    type: 'string',
    description: "With logs: one trial's alone, by its key or how that begins",
    valueHint: 'key',
  },
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier fleet status --fleet postgres://espalier@db.local/espalier';

function timeLeft({ queued, running, secondsLeft }: StudyStatus): string {
  if (queued + running === 0) return '';
  return secondsLeft === undefined ? '–' : formatDuration(secondsLeft);
}

/** How a fleet stands, for people. */
function told({ studies, workers, failures }: FleetStatus): string {
  const parts = [
    formatTable([
      ['study', 'queued', 'running', 'done', 'failed', 'cancelled', 'a minute', 'left'],
      ...studies.map((one) => [
        one.name,
        ...[one.queued, one.running, one.done, one.failed, one.cancelled].map(String),
        one.perMinute.toFixed(1),
        timeLeft(one),
      ]),
    ]),
    formatTable([
      ['worker', 'machine', 'backend', 'tags', 'slots', 'running', 'done', 'heard of'],
      ...workers.map((one) => [
        one.draining ? `${one.name} (draining)` : one.name,
        one.host,
        one.backend,
        one.tags.join(','),
        ...[one.slots, one.running, one.done].map(String),
        `${one.silent.toFixed(0)} s ago`,
      ]),
    ]),
  ];
  for (const { name, goal, front, refusals } of studies) {
    for (const { worker, reason } of refusals) parts.push(`${worker} refuses ${name}: ${reason}`);
    if (front.length === 0) continue;
    const rows = front.map((one) => [one.name, one.measure.toPrecision(4), formatBytes(one.bytes)]);
    parts.push(formatTable([[`front of ${name}`, goal?.metric ?? 'error', 'bytes'], ...rows]));
  }
  for (const { study, key, name, failure, lines } of failures) {
    const last = lines.filter((line) => line !== failure).map((line) => `  ${line}\n`);
    parts.push(
      `${name} of ${study} failed: ${failure}\n${last.join('')}  All it said: espalier fleet logs ${study} --trial ${key}`,
    );
  }
  return parts.join('\n\n');
}

/** The trials of a study, for people. */
function toldTrials(trials: readonly TrialStatus[]): string {
  return formatTable([
    ['trial', 'key', 'state', 'attempts', 'worker', 'last epoch', 'time', 'error or goal', 'bytes'],
    ...trials.map(({ name, key, state, attempt, worker = '', epoch, seconds, outcome }) => [
      name,
      key,
      state,
      String(attempt),
      worker,
      epoch ? `${epoch.stage} ${epoch.epoch + 1}` : '',
      seconds === undefined ? '' : formatDuration(seconds),
      outcome?.measure.toPrecision(4) ?? '',
      outcome ? formatBytes(outcome.bytes) : '',
    ]),
  ]);
}

/** Of a fleet what belongs to one study. */
function only({ studies, workers, failures }: FleetStatus, study: string): FleetStatus {
  return {
    studies: studies.filter(({ name }) => name === study),
    workers,
    failures: failures.filter((one) => one.study === study),
  };
}

export default defineCommand({
  meta: { name: 'fleet', description: 'How a fleet stands; its logs; cancel, retry, drain.' },
  args,
  async run({ args: given }) {
    checkArguments(given, args, 2);
    const { action, name, json } = given;
    if (!(actions as readonly string[]).includes(action)) throw unknownName('action', action, actions);
    if (name === undefined && action !== 'status' && action !== 'drain') {
      throw new EspalierError('invalid-option', `${action} of which study?`, {
        remedy: `Name it: espalier fleet ${action} <study>. espalier fleet status lists them.`,
      });
    }
    if (given.trial !== undefined && action !== 'logs') {
      throw new EspalierError('invalid-option', `--trial has no use with ${action}.`, {
        remedy: 'Leave it out; it is for logs.',
      });
    }
    const { Fleet, cancel, drain, logsOf, retry, statusOf, trialsOf } = await fleetPackage();
    const fleet = await Fleet.open({ url: fleetUrl(given.fleet), patience: 30, log: warn });
    try {
      if (action === 'status') {
        const trials = name === undefined ? undefined : await trialsOf(fleet, name);
        const all = await statusOf(fleet);
        const status = name === undefined ? all : only(all, name);
        if (json) return printJson({ ...status, ...(trials && { trials }) });
        return print(`${told(status)}\n${trials ? `\n${toldTrials(trials)}\n` : ''}`);
      }
      if (action === 'logs') {
        const lines = await logsOf(fleet, name as string, given.trial);
        if (json) return printJson(lines);
        return print(
          lines.map(({ at, key, line }) => `${at.toISOString()} ${key.slice(0, 8)} ${line}\n`).join(''),
        );
      }
      const count =
        action === 'drain'
          ? await drain(fleet, name)
          : await (action === 'cancel' ? cancel : retry)(fleet, name as string);
      const what = {
        drain: 'workers are draining',
        cancel: 'trials cancelled',
        retry: 'trials queued again',
      };
      if (json) printJson({ count });
      else print(`${count} ${what[action as keyof typeof what]}\n`);
    } finally {
      await fleet.close();
    }
  },
});
