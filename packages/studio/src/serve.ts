import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EspalierError } from '@espalier/core';
import { FleetAnswers, type FleetSource } from './fleet.js';
import { runsIn, shownFiles } from './runs.js';

/** What is served, and where. */
export interface ServeOptions {
  /** A folder of runs to watch. Default: none, the page takes models alone. */
  readonly runs?: string;
  /** A fleet of workers to watch. Default: none. */
  readonly fleet?: FleetSource;
  /** On 127.0.0.1. Default 0: any that is free. */
  readonly port?: number;
  /** The page's files. Default: those of this package. */
  readonly page?: string;
}

/** A studio that is served. */
export interface Studio {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.jsonl': 'application/x-ndjson',
  '.yaml': 'text/plain; charset=utf-8',
};

/** What holds for every answer; the page's own policy stands in the page, and is the same wherever it lies. */
const always = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Frame-Options': 'SAMEORIGIN',
  'Cache-Control': 'no-cache',
} as const;

/** A page that a run has written comes with its own policy; here it can ask for nothing either, and is of no origin. */
const reportPolicy =
  "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'unsafe-inline'";

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...always, 'Content-Type': type }).end(body);
}

/** A file below a folder, links out of it not followed; undefined where there is none. */
async function inside(folder: string, path: string): Promise<string | undefined> {
  try {
    const base = await realpath(folder);
    const file = await realpath(join(base, path));
    const way = relative(base, file);
    if (way.startsWith(`..${sep}`) || way === '..' || resolve(way) === way) return undefined;
    return (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

async function send(
  file: string,
  request: IncomingMessage,
  response: ServerResponse,
  more = {},
): Promise<void> {
  const { mtimeMs, size } = await stat(file);
  const tag = `"${mtimeMs}-${size}"`;
  const headers = {
    ...always,
    ...more,
    ETag: tag,
    'Content-Type': types[extname(file)] ?? 'application/octet-stream',
  };
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, headers);
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

/**
 * Serves the studio's page on loopback, and with it, where a folder of runs is given, what those have written: it reads, and
 * writes nothing. A page of another site cannot read it, whatever name it has given this machine.
 *
 * @throws EspalierError `unknown-name` where there is no such folder, `port-taken`, `not-built`
 *
 * @example
 * ```ts no-run
 * import { serveStudio } from '@espalier/studio';
 * const { url, close } = await serveStudio({ runs: 'runs' });
 * console.log(url);
 * await close();
 * ```
 */
export async function serveStudio(options: ServeOptions = {}): Promise<Studio> {
  const { port = 0, page = fileURLToPath(new URL('./page/', import.meta.url)) } = options;
  const runs = options.runs === undefined ? undefined : resolve(options.runs);
  if (runs !== undefined && !(await stat(runs).catch(() => undefined))?.isDirectory()) {
    throw new EspalierError('unknown-name', `There is no folder ${options.runs}.`, {
      remedy: 'Give the folder that runs are written to (espalier run writes to runs/NAME), or none.',
    });
  }
  const index = await readFile(join(page, 'index.html'), 'utf8').catch((cause) => {
    throw new EspalierError('not-built', `The page is not in ${page}.`, {
      cause,
      remedy: 'In a clone: npm run build.',
    });
  });
  const fleet = options.fleet && new FleetAnswers(options.fleet);
  const shows = `${runs === undefined ? '' : 'data-watches '}${fleet ? 'data-fleet ' : ''}`;
  const first = index.replace('<html ', `<html ${shows}`);
  const server = createServer((request, response) => {
    handle(request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else answer(response, 500, 'text/plain', 'Not readable.');
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host = '', origin } = request.headers;
    // A name of somebody else's that leads to this machine is not ours.
    const ours = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
    if (!ours || (origin !== undefined && origin !== `http://${host}`)) {
      return answer(response, 403, 'text/plain', 'This page is for this machine alone.');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(response, 405, 'text/plain', 'Only read.');
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local');
    const path = decodeURIComponent(pathname).slice(1);
    if (path === '' || path === 'index.html') return answer(response, 200, types['.html'], first);
    const found = await fleet?.answer(path, searchParams);
    if (found) return answer(response, found.status, types['.json'], found.body);
    if (runs !== undefined && path === 'runs.json') {
      return answer(response, 200, types['.json'], JSON.stringify(await runsIn(runs)));
    }
    if (runs !== undefined && path.startsWith('runs/')) {
      const name = path.split('/').at(-1) as string;
      const file = shownFiles.includes(name) ? await inside(runs, path.slice('runs/'.length)) : undefined;
      if (!file) return answer(response, 404, 'text/plain', 'Not here.');
      return send(
        file,
        request,
        response,
        name.endsWith('.html') ? { 'Content-Security-Policy': reportPolicy } : {},
      );
    }
    const file = await inside(page, path);
    if (!file) return answer(response, 404, 'text/plain', 'Not here.');
    return send(file, request, response);
  }

  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const what = taken ? `Port ${port} is taken.` : `Port ${port} cannot be used (${cause.code}).`;
      fail(
        new EspalierError('port-taken', what, {
          cause,
          remedy: 'Choose another: --port 0 takes any that is free.',
        }),
      );
    });
    server.listen(port, '127.0.0.1', done);
  });
}
