// Every link of the site that stays on it leads to a file of it, and to a place in it that there is.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { root } from '../lib/run.mjs';
import { filesBelow } from '../lib/stamp.mjs';

const attribute = /<(?:a|img|script|link)\b[^>]*?\s(?:href|src)="([^"]*)"/g;
const unescaped = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"');

/** The file that a path of the site is answered with. */
function fileOf(site, path) {
  const file = join(site, path);
  if (existsSync(file) && !statSync(file).isDirectory()) return file;
  if (existsSync(`${file}.html`)) return `${file}.html`;
  return existsSync(join(file, 'index.html')) ? join(file, 'index.html') : undefined;
}

/** @returns What is wrong, a line each. Of pages that typedoc has written, what leads out of them is its own affair. */
export function brokenLinks(folder, { skip = () => false } = {}) {
  const site = join(root, folder);
  const places = new Map();
  const placesIn = (file) => {
    if (!places.has(file)) {
      const text = readFileSync(file, 'utf8');
      places.set(file, new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => unescaped(id))));
    }
    return places.get(file);
  };
  const faults = [];
  for (const path of filesBelow(folder, (name) => name.endsWith('.html'))) {
    const own = path.slice(folder.length + 1);
    if (skip(own)) continue;
    for (const [, raw] of readFileSync(join(root, path), 'utf8').matchAll(attribute)) {
      const target = unescaped(raw);
      if (/^([a-z]+:|\/\/)/i.test(target) || target === '') continue;
      const [to, hash] = target.split('#');
      const there = to === '' ? own : to.startsWith('/') ? to.slice(1) : normalize(join(own, '..', to));
      const file = fileOf(site, decodeURI(there.split('?')[0]));
      if (file === undefined) faults.push(`${own}: ${target}`);
      else if (hash && file.endsWith('.html') && !placesIn(file).has(decodeURIComponent(hash)))
        faults.push(`${own}: no place ${target}`);
    }
  }
  return [...new Set(faults)];
}
