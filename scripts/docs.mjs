// `npm run docs`: builds what is not built, then the API of all packages by typedoc, into docs/api, and the site of the repository,
// into docs/site: its Markdown by VitePress, with search; the API; and the pages that run by themselves. Fails for links that lead
// nowhere.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bootstrap, main } from './bootstrap.mjs';
import { node, root } from './lib/run.mjs';
import { apiNames } from './site/api.mjs';
import { config } from './site/config.mjs';
import { brokenLinks } from './site/links.mjs';
import { live, missing } from './site/live.mjs';
import { pages, sidebar } from './site/pages.mjs';
import { stagePage } from './site/stage.mjs';

const staged = join(root, '.cache', 'site');
const api = join(root, 'docs', 'api');
const site = join(root, 'docs', 'site');

function stage() {
  rmSync(staged, { recursive: true, force: true });
  const all = pages();
  const names = apiNames(api);
  const [pictures, faults, titles] = [new Set(), [], new Map()];
  for (const [file, page] of all) {
    const text = readFileSync(join(root, file), 'utf8');
    titles.set(page, /^# (.+)$/m.exec(text)?.[1].replaceAll('`', '') ?? page);
    const to = join(staged, `${page}.md`);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, stagePage(file, text, page, { pages: all, names, pictures, faults }));
  }
  for (const picture of pictures) {
    const to = join(staged, 'public', picture);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(root, picture), to);
  }
  const settings = config({
    sidebar: sidebar(all, (page) => titles.get(page)),
  });
  mkdirSync(join(staged, '.vitepress'), { recursive: true });
  writeFileSync(
    join(staged, '.vitepress', 'config.mjs'),
    `export default ${JSON.stringify(settings, null, 2)};\n`,
  );
  return faults;
}

/** Runs a command whose output only matters when it fails. */
async function run(script, args, options) {
  const { code, output } = await node([join(root, 'node_modules', script), ...args], {
    quiet: true,
    ...options,
  });
  if (code !== 0) throw new Error(`${script} failed:\n${output}`);
}

await main(async () => {
  await bootstrap();
  await run('typedoc/bin/typedoc', process.argv.slice(2));
  const unbuilt = missing();
  if (unbuilt.length > 0) throw new Error(`${unbuilt.join(', ')}: not built; npm run build`);
  const faults = stage();
  rmSync(site, { recursive: true, force: true });
  await run('vitepress/bin/vitepress.js', ['build', staged, '--outDir', site]);
  cpSync(api, join(site, 'api'), { recursive: true });
  for (const [to, copy] of live) copy(join(site, to));
  faults.push(...brokenLinks('docs/site', { skip: (page) => /^(api|studio|digits)\//.test(page) }));
  for (const fault of faults) console.error(fault);
  return faults.length > 0 ? 1 : 0;
});
