import type { FleetStatus, LogLine, TrialStatus } from '@espalier/fleet';

/** What the page asks the command for, and shows. */
export interface FleetSeen {
  readonly fleet: FleetStatus & { readonly shown: string };
  /** Of the study that is chosen. */
  readonly trials?: readonly TrialStatus[];
  /** Of the trial that is chosen. Times are text here. */
  readonly log?: readonly (Omit<LogLine, 'at'> & { readonly at: string })[];
}

/** Which study and trial the address names: `fleet&study=name&trial=key`. */
export interface Chosen {
  readonly study?: string;
  readonly trial?: string;
}

export function chosenIn(place: string): Chosen {
  const query = new URLSearchParams(place);
  const [study, trial] = [query.get('study'), query.get('trial')];
  return { ...(study !== null && { study }), ...(trial !== null && { trial }) };
}

export const placeOf = (study: string, trial?: string): string =>
  `#fleet&${new URLSearchParams({ study, ...(trial !== undefined && { trial }) })}`;

async function asked<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const response = await fetch(`${path}?${new URLSearchParams(query)}`).catch(() => {
    throw new Error('The command that serves this page has ended; what was read last is shown.');
  });
  const answer = await response.json();
  if (response.ok) return answer as T;
  throw new Error((answer as { message?: string }).message ?? `${path} gave ${response.status}.`);
}

/** Reads how the fleet stands, and of what is chosen the trials and the log; of one study alone without being asked. */
export async function look({ study, trial }: Chosen): Promise<FleetSeen> {
  const fleet = await asked<FleetSeen['fleet']>('fleet.json');
  const [only] = fleet.studies;
  const named = study ?? (fleet.studies.length === 1 ? only.name : undefined);
  if (named === undefined) return { fleet };
  const [trials, log] = await Promise.all([
    asked<TrialStatus[]>('fleet/trials.json', { study: named }),
    trial === undefined
      ? undefined
      : asked<NonNullable<FleetSeen['log']>>('fleet/log.json', { study: named, trial }),
  ]);
  return { fleet, trials, ...(log && { log }) };
}
