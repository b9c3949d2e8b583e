import { EspalierError, unknownName } from '@espalier/core';
import type { FleetStatus } from '@espalier/fleet';
import { formatBytes, formatTable } from '@espalier/report';
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
    description: 'Of a study, for logs, cancel and retry; of workers, for drain (default: all)',
  },
  fleet: {
    type: 'string',
    description: 'postgres://user@host/database (default: ESPALIER_FLEET)',
    valueHint: 'url',
  },
  trial: { type: 'string', description: "With logs: one trial's alone, by its key", valueHint: 'key' },
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier fleet status --fleet postgres://espalier@db.local/espalier';

function duration(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
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
        one.queued + one.running === 0 ? '' : duration(one.secondsLeft),
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
  for (const { name, front, refusals } of studies) {
    for (const { worker, reason } of refusals) parts.push(`${worker} refuses ${name}: ${reason}`);
    if (front.length === 0) continue;
    const rows = front.map((one) => [one.name, one.error.toPrecision(4), formatBytes(one.bytes)]);
    parts.push(formatTable([[`front of ${name}`, 'error or value', 'bytes'], ...rows]));
  }
  if (failures.length > 0) {
    const rows = failures.map(({ study, key, name, failure }) => [study, key, name, failure]);
    parts.push(formatTable([['failed in', 'key', 'trial', 'why'], ...rows]));
  }
  return parts.join('\n\n');
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
    const { Fleet, cancel, drain, logsOf, retry, statusOf } = await fleetPackage();
    const fleet = await Fleet.open({ url: fleetUrl(given.fleet), patience: 30, log: warn });
    try {
      if (action === 'status') {
        const status = await statusOf(fleet);
        return json ? printJson(status) : print(`${told(status)}\n`);
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
