import { setTimeout as sleep } from 'node:timers/promises';
import { EspalierError } from '@espalier/core';
import pg from 'pg';

/** What asks the database: the pool, or one connection within a transaction. */
export interface Asks {
  query<R>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

/** Errors after which the same may be asked again: connections that are lost, a server that starts or is full. */
const passing =
  /^(08|25P03|53|57P0|40001|40P01|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOENT)/;

function passes(error: unknown): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string };
  if (typeof code === 'string') return passing.test(code);
  return /Connection terminated|connection timeout|read timeout|timeout exceeded|not queryable|Client was closed/i.test(
    message,
  );
}

/** Errors of TLS: a server that has none, or a certificate that nobody here knows. */
const untrusted = /CERT|SELF_SIGNED|VERIFY|^ERR_(TLS|SSL)|does not support SSL|establishing an SSL/;

/** What an error is called where it has no code. */
const codeOf = (error: unknown): string => {
  const { code, message } = error as { code?: string; message: string };
  return code ?? message;
};

const loopback = /^(|localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|%2F.*|\/.*)$/i;

/** Where the database is, without what nobody needs to know. */
export function shownUrl(url: string): string {
  const found = parsed(url);
  const port = found.searchParams.get('port') || found.port;
  return `postgres://${hostOf(found)}${port && `:${port}`}${found.pathname}`;
}

/** Where it really is: the driver lets a parameter go before the address, and the environment after it. */
const hostOf = ({ hostname, searchParams }: URL): string =>
  searchParams.get('host') || hostname || process.env.PGHOST || 'localhost';

function parsed(url: string): URL {
  try {
    const found = new URL(url);
    if (/^postgres(ql)?:$/.test(found.protocol)) return found;
  } catch {
    // Its message would show what is in it.
  }
  throw new EspalierError('invalid-option', 'The address of the fleet is no postgres:// address.', {
    remedy: 'Write --fleet postgres://user@host:5432/database; the password is read from PGPASSWORD.',
  });
}

/** How a database is reached. */
export interface DatabaseOptions {
  /** `postgres://user@host:port/database`. Off loopback it is reached by TLS, unless it says `sslmode` itself. */
  readonly url: string;
  /** Most connections. Default 4. */
  readonly connections?: number;
  /** For how many seconds a database that does not answer is asked again. Default 600. */
  readonly patience?: number;
  /**
   * For how many seconds an answer is waited for on a connection, before another is made. Default 120. A transaction that stands
   * still for a quarter of it is ended by the server.
   */
  readonly timeout?: number;
  /** Told when it does not answer, and when it does again. */
  readonly log?: (line: string) => void;
}

/**
 * A database that may go away and come back.
 *
 * @example
 * ```ts no-run
 * import { Database, shownUrl } from '@espalier/fleet';
 * const url = 'postgres://espalier:secret@db.local/espalier';
 * const database = new Database({ url });
 * console.log(shownUrl(url)); // without secrets
 * await database.close();
 * ```
 */
export class Database {
  readonly #pool: pg.Pool;
  readonly #options: DatabaseOptions;
  /** For how long an answer is waited for. */
  readonly #milliseconds: number;
  readonly shown: string;
  /** What was asked so far: how often, and how long the answers took, in milliseconds. */
  readonly spent: { queries: number; milliseconds: number } = { queries: 0, milliseconds: 0 };
  #away = false;

  /** @throws EspalierError `invalid-option` */
  constructor(options: DatabaseOptions) {
    const found = parsed(options.url);
    const said = found.searchParams.has('sslmode') || found.searchParams.has('ssl');
    const tls = !loopback.test(hostOf(found)) && !said;
    this.#options = options;
    this.#milliseconds = 1000 * (options.timeout ?? 120);
    this.shown = shownUrl(options.url);
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max: options.connections ?? 4,
      connectionTimeoutMillis: 15_000,
      // A connection whose other end is gone without a word is not waited for for ever.
      query_timeout: this.#milliseconds,
      keepAlive: true,
      application_name: 'espalier-fleet',
      ...(tls && { ssl: { rejectUnauthorized: true } }),
    });
    this.#pool.on('error', () => {}); // Of an idle connection: the next one is a new one.
  }

  /** Asks, and asks again while the database is away. What is asked must bear to be asked twice. */
  query<R>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.persist(() => this.#timed<R>(this.#pool, text, values));
  }

  /** A transaction: all of it or nothing. It is begun again while the database is away. */
  transaction<T>(work: (asks: Asks) => Promise<T>): Promise<T> {
    return this.persist(async () => {
      const client = await this.#pool.connect();
      let broken: Error | undefined;
      client.on('error', () => {});
      try {
        // Who is gone without a word holds no locks for longer: the server ends what has stood still for so long.
        await client.query(
          `begin; set local idle_in_transaction_session_timeout = ${this.#milliseconds / 4}`,
        );
        const result = await work({ query: (text, values = []) => this.#timed(client, text, values) });
        await client.query('commit');
        return result;
      } catch (error) {
        // A connection that is lost has rolled back by itself; one that hangs would hang in that, too.
        const lost =
          passes(error) ||
          (await client.query('rollback').then(
            () => false,
            () => true,
          ));
        if (lost) broken = error as Error;
        throw error;
      } finally {
        client.removeAllListeners('error');
        client.release(broken);
      }
    });
  }

  async #timed<R>(
    on: Pick<pg.Pool, 'query'> | pg.PoolClient,
    text: string,
    values: readonly unknown[],
  ): Promise<R[]> {
    const began = performance.now();
    try {
      const { rows } = await (on as pg.Pool).query(text, [...values]);
      return rows as R[];
    } finally {
      this.spent.queries++;
      this.spent.milliseconds += performance.now() - began;
    }
  }

  /** @throws EspalierError `no-database` when it stays away, or does not let us in */
  async persist<T>(work: () => Promise<T>): Promise<T> {
    const { patience = 600, log } = this.#options;
    const deadline = performance.now() + 1000 * patience;
    for (let pause = 100; ; pause = Math.min(2 * pause, 5000)) {
      try {
        const result = await work();
        if (this.#away) log?.(`${this.shown} answers again.`);
        this.#away = false;
        return result;
      } catch (error) {
        if (!passes(error) || performance.now() + pause > deadline) {
          throw this.#told(error);
        }
        if (!this.#away) log?.(`${this.shown} does not answer (${codeOf(error)}); asking again.`);
        this.#away = true;
        await sleep(pause * (0.5 + Math.random()));
      }
    }
  }

  /** What people are told: of a database that is not there, or does not let us in; other errors as they are. */
  #told(error: unknown): unknown {
    const { code = '', message } = error as { code?: string; message: string };
    if (error instanceof EspalierError) return error;
    const what = `${this.shown}: ${message || code}`;
    if (untrusted.test(`${code} ${message}`)) {
      return new EspalierError('no-database', what, {
        cause: error,
        remedy:
          'Off this machine a database is reached by TLS. Give the server a certificate, and the address its authority: ?sslmode=verify-full&sslrootcert=ca.pem.',
      });
    }
    if (!passes(error) && !/^(28|3D|ENOTFOUND)/.test(code)) return error;
    return new EspalierError('no-database', what, {
      cause: error,
      remedy: 'See that it runs and lets you in: psql with the same address.',
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
