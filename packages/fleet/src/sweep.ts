import type { Fleet } from './fleet.js';

/**
 * Gives trials back whose workers are gone: their leases are over, by the database's clock, and were not renewed although the
 * database was there for as long as a lease.
 *
 * @returns how many
 */
export async function sweep(fleet: Fleet): Promise<number> {
  const found = await fleet.database.query<{ study: string }>(
    `select distinct study from espalier.trial where state = 'running' and lease < now()`,
  );
  let count = 0;
  for (const { study } of found) {
    await fleet.queue(study);
    count += await fleet.database.transaction(async (asks) => {
      const rows = await asks.query<{ key: string; job: string; lost: number }>(
        `select key, job, lost from espalier.trial
         where study = $1 and state = 'running' and lease < now()
           and pg_postmaster_start_time() < now() - make_interval(secs => lease_seconds)
         for update skip locked`,
        [study],
      );
      for (const { key, job, lost } of rows) {
        const again = await fleet.giveBack(study, job, asks);
        await asks.query(
          `update espalier.trial set state = $3, lost = lost + 1, lease = null,
             failure = case when $3 = 'failed' then $4 end, ended = case when $3 = 'failed' then now() end
           where study = $1 and key = $2`,
          [study, key, again ? 'queued' : 'failed', `its worker was lost ${lost + 1} times`],
        );
      }
      return rows.length;
    });
  }
  return count;
}
