// The pages of the site that are programs: the studio, and the page that knows drawn digits.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folders } from '../../examples/browser-digits/server.js';
import { root } from '../lib/run.mjs';

const studio = join(root, 'packages/studio/dist/page');

/** Copies the page of digits with what its import map names, and the pieces that these are in. */
function copyDigits(to) {
  const { '/': home, ...modules } = folders();
  for (const file of ['index.html', 'app.js', 'digit.js', 'worker.js', 'style.css', 'model.esp']) {
    cpSync(join(home, file), join(to, file));
  }
  const page = readFileSync(join(home, 'index.html'), 'utf8');
  const { imports } = JSON.parse(/<script type="importmap">([\s\S]*?)<\/script>/.exec(page)[1]);
  for (const address of Object.values(imports)) {
    const [prefix, from] = Object.entries(modules).find(([start]) => address.startsWith(`.${start}`));
    const name = address.slice(prefix.length + 1);
    for (const file of readdirSync(from)) {
      if (file === name || /^chunk-.*\.js$/.test(file)) cpSync(join(from, file), join(to, prefix, file));
    }
  }
}

/** By where each stands: how it gets there. */
export const live = new Map([
  ['studio', (to) => cpSync(studio, to, { recursive: true })],
  ['digits', copyDigits],
]);

/** What has to be built before. */
export const missing = () => [studio, folders()['/modules/codec/']].filter((folder) => !existsSync(folder));
