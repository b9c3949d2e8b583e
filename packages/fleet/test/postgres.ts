import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Where Debian puts the programs of a server. */
function programs(): string | undefined {
  const home = '/usr/lib/postgresql';
  const versions = existsSync(home) ? readdirSync(home).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(home, version, 'bin'));
  return found.find((bin) => existsSync(join(bin, 'initdb')));
}

const bin = programs();

/** What tests without a server are called: they are skipped, and say so. */
export const hasPostgres: boolean = bin !== undefined;
export const called: string = hasPostgres
  ? 'on PostgreSQL'
  : 'on PostgreSQL (skipped: apt-get install postgresql)';

/** PostgreSQL does not run as root: then it runs as the user of Debian's package. */
function who(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

const freePort = (): Promise<number> =>
  new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });

/** What a server has that a plain one has not. */
export interface PostgresOptions {
  /** Everybody is asked for it. */
  readonly password?: string;
  /** It has TLS, with a certificate that it signed itself for `localhost`, 127.0.0.1 and 0.0.0.0. */
  readonly tls?: boolean;
}

/** A server of a test's own, on loopback, in a temporary folder. */
export class Postgres {
  readonly url: string;
  readonly port: number;
  /** The certificate of one with TLS. */
  readonly certificate: string;
  readonly #data: string;
  readonly #tls: boolean;
  #server: ChildProcess | undefined;

  private constructor(data: string, port: number, { password, tls = false }: PostgresOptions) {
    this.#data = data;
    this.#tls = tls;
    this.port = port;
    this.certificate = join(data, 'server.crt');
    this.url = `postgres://espalier${password === undefined ? '' : `:${password}`}@127.0.0.1:${port}/postgres`;
  }

  static async start(options: PostgresOptions = {}): Promise<Postgres> {
    const home = mkdtempSync(join(tmpdir(), 'espalier-postgres-'));
    const as = who();
    if (as.uid !== undefined) chownSync(home, as.uid, as.gid as number);
    const data = join(home, 'data');
    const { password, tls } = options;
    const secret = join(home, 'password');
    if (password !== undefined) writeFileSync(secret, password);
    const lets = password === undefined ? ['-A', 'trust'] : ['-A', 'scram-sha-256', '--pwfile', secret];
    execFileSync(
      join(bin as string, 'initdb'),
      ['-D', data, '-U', 'espalier', ...lets, '-E', 'UTF8', '--locale=C', '--no-sync'],
      { ...as, cwd: home, stdio: 'ignore' },
    );
    const postgres = new Postgres(data, await freePort(), options);
    if (tls) {
      const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0.0.0.0';
      const file = (name: string): string => join(data, name);
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-days',
          '2',
          '-subj',
          '/CN=localhost',
          '-addext',
          names,
        ].concat(['-keyout', file('server.key'), '-out', file('server.crt')]),
        { ...as, cwd: home, stdio: 'ignore' },
      );
      chmodSync(file('server.key'), 0o600);
    }
    await postgres.up();
    return postgres;
  }

  /** The server's process, which is above those of its sessions. */
  get pid(): number | undefined {
    return this.#server?.pid;
  }

  /** Starts the server, and waits until it answers. */
  async up(): Promise<void> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: this.port,
      ssl: this.#tls ? 'on' : 'off',
      unix_socket_directories: '',
      fsync: 'off',
      max_connections: 100,
      shared_buffers: '32MB',
    };
    const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#server = spawn(join(bin as string, 'postgres'), ['-D', this.#data, ...set], {
      ...who(),
      cwd: this.#data,
      stdio: 'ignore',
    });
    for (let i = 0; i < 600; i++) {
      const client = new pg.Client({ connectionString: this.url });
      client.on('error', () => {});
      const answers = await client.connect().then(
        () => true,
        () => false,
      );
      await client.end().catch(() => {});
      if (answers) return;
      await sleep(100);
    }
    throw new Error('PostgreSQL does not answer');
  }

  /** Ends the server as a power cut would, or as `SIGINT`: at once, but in order. */
  async down(signal: 'SIGQUIT' | 'SIGINT' = 'SIGINT'): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null) return;
    const gone = new Promise((done) => server.once('close', done));
    server.kill(signal);
    await gone;
    this.#server = undefined;
  }

  async stop(): Promise<void> {
    await this.down('SIGQUIT');
    rmSync(join(this.#data, '..'), { recursive: true, force: true });
  }
}
