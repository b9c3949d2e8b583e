// A registry of npm packages on loopback, by Verdaccio: ours are published to it, all others come through it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../lib/run.mjs';

/** The last version that runs on Node 20. */
const VERSION = '6.8.0';

/** A port that nobody listens on. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Verdaccio's program, in a folder of its own: no package of ours, no lockfile knows of it. */
async function program(npm) {
  const home = join(root, '.tools/verdaccio');
  const installed = join(home, 'node_modules/verdaccio/package.json');
  if (!existsSync(installed) || JSON.parse(readFileSync(installed, 'utf8')).version !== VERSION) {
    mkdirSync(home, { recursive: true });
    // A dependency asks for node-fetch by a tag that mirrors of the registry lack.
    const manifest = {
      private: true,
      dependencies: { verdaccio: VERSION },
      overrides: { 'node-fetch': '2.7.0' },
    };
    writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
    await npm(['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error'], home);
  }
  return join(home, 'node_modules/verdaccio/bin/verdaccio');
}

/**
 * Starts a registry that is empty but for what `uplink` has.
 *
 * @param {{ folder: string, uplink: string, npm: (args: string[], cwd: string) => Promise<string> }} options
 * @returns {Promise<{ url: string, stop: () => void }>}
 */
export async function startRegistry({ folder, uplink, npm }) {
  const verdaccio = await program(npm);
  const config = join(folder, 'verdaccio.yaml');
  const ours = { access: '$all', publish: '$all' };
  // YAML reads JSON.
  writeFileSync(
    config,
    JSON.stringify({
      storage: join(folder, 'storage'),
      web: { enable: false },
      uplinks: { npm: { url: uplink, max_fails: 100, timeout: '60s' } },
      packages: { '@espalier/*': ours, espalier: ours, '**': { access: '$all', proxy: 'npm' } },
      max_body_size: '100mb',
      log: { type: 'stdout', format: 'pretty', level: 'error' },
    }),
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const child = spawn(process.execPath, [verdaccio, '-c', config, '-l', `127.0.0.1:${port}`], {
    cwd: folder,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const stop = () => child.kill();
  for (let tries = 0; ; tries++) {
    if (
      await fetch(`${url}-/ping`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return { url, stop };
    if (child.exitCode !== null || tries === 300) {
      stop();
      throw new Error(`Verdaccio did not start:\n${said}`);
    }
    await sleep(200);
  }
}
