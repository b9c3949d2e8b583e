// Which files of the repository are pages of the site, and where each stands in it.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/run.mjs';

const markdown = (folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => name.slice(0, -3));

const folders = (parent) =>
  readdirSync(join(root, parent)).filter((name) => existsSync(join(root, parent, name, 'README.md')));

/** By the file in the repository: the page's path, without ending. */
export function pages() {
  const found = new Map([
    ['README.md', 'index'],
    ['ARCHITECTURE.md', 'architecture'],
    ['CONTRIBUTING.md', 'contributing'],
    ['SECURITY.md', 'security'],
  ]);
  for (const folder of ['docs', 'docs/guide', 'docs/quality']) {
    for (const name of markdown(folder))
      found.set(`${folder}/${name}.md`, `${folder.slice(5)}/${name}`.replace(/^\//, ''));
  }
  for (const parent of ['packages', 'examples']) {
    for (const name of folders(parent)) found.set(`${parent}/${name}/README.md`, `${parent}/${name}`);
  }
  return found;
}

const link = (text, page) => ({ text, link: `/${page}` });

/** What stands at the side, group by group; pages that are in none are found by links and by search. */
export function sidebar(all, titleOf) {
  const of = (prefix) =>
    [...all.values()].filter((page) => page.startsWith(prefix)).map((page) => link(titleOf(page), page));
  const first = ['getting-started', 'bring-your-data', 'bring-your-model', 'choose-a-method'];
  const guide = (name) => `guide/${name}`;
  const rest = of('guide/').filter(({ link: to }) => !first.some((name) => to === `/${guide(name)}`));
  return [
    {
      text: 'Start',
      items: [link('What it is', ''), ...first.map((name) => link(titleOf(guide(name)), guide(name)))],
    },
    { text: 'Guides', items: rest },
    {
      text: 'Reference',
      items: [
        ...['cli', 'recipe', 'plugins', 'format', 'compress', 'backends', 'import-distiller', 'search']
          .filter((page) => [...all.values()].includes(page))
          .map((page) => link(titleOf(page), page)),
        { text: 'API', link: '/api/index.html', target: '_self' },
      ],
    },
    {
      text: 'Results',
      items: [
        link('Results', 'results'),
        link('Quality', 'quality'),
        link('Notes on TensorFlow.js', 'tfjs-notes'),
      ],
    },
    { text: 'Packages', collapsed: true, items: of('packages/') },
    { text: 'Examples', collapsed: true, items: of('examples/') },
    {
      text: 'The project',
      collapsed: true,
      items: [
        link('Architecture', 'architecture'),
        link('Contributing', 'contributing'),
        link('Security', 'security'),
      ],
    },
  ];
}
