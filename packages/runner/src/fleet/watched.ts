import type { FleetSource } from '@espalier/studio';
import { fleetPackage } from './in-fleet.js';

/** For how many seconds a database is asked again before the page says that it does not answer. */
const patience = 5;

/**
 * A fleet for the studio to look at; nothing in it is changed.
 *
 * @throws EspalierError `missing-package`, `bad-key`, `no-database`
 */
export async function watchedFleet(
  url: string,
  log: (line: string) => void,
): Promise<FleetSource & { close(): Promise<void> }> {
  const { Fleet, logsOf, statusOf, trialsOf } = await fleetPackage();
  const fleet = await Fleet.open({ url, connections: 2, patience, log });
  return {
    shown: fleet.database.shown,
    status: () => statusOf(fleet),
    trials: (study) => trialsOf(fleet, study),
    log: (study, trial) => logsOf(fleet, study, trial),
    close: () => fleet.close(),
  };
}
