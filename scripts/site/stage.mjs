// A page of the site, of a file of the repository: its links lead to pages, or to the repository; names of the API lead to the API.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from '../lib/run.mjs';

const repository = 'https://github.com/espalier-js/espalier';

/** Where a link of a file leads on the site. @throws Error where there is nothing */
function linkOf(file, target, pages, faults) {
  if (/^([a-z]+:|#|\/)/i.test(target)) return target;
  const [path, hash] = target.split('#');
  const to = normalize(join(dirname(file), decodeURI(path))).replace(/\/$/, '');
  const fragment = hash === undefined ? '' : `#${hash}`;
  const page = pages.get(to) ?? pages.get(`${to}/README.md`);
  if (page !== undefined) return `/${page === 'index' ? '' : page}${fragment}`;
  if (!existsSync(join(root, to))) {
    faults.push(`${file}: there is no ${target}`);
    return target;
  }
  const kind = statSync(join(root, to)).isDirectory() ? 'tree' : 'blob';
  return `${repository}/${kind}/main/${to}${fragment}`;
}

/** Pictures lie in `public`. */
function pictureOf(file, target, pictures) {
  if (/^[a-z]+:/i.test(target)) return target;
  const to = normalize(join(dirname(file), target));
  pictures.add(to);
  return `/${to}`;
}

/** Does a page speak of names of the API? Of recipes and commands, equal words mean other things. */
const ofApi = (page) => !/^(recipe|cli|search|import-distiller|quality)/.test(page);

/** What VitePress would take for a component or an expression. */
const plain = (text) =>
  text
    .replaceAll('{{', '&#123;&#123;')
    .replace(/<(?!\/?(br|sup|sub|details|summary|kbd|img|p|a)\b)/g, '&lt;');

/**
 * Turns the Markdown of the repository into that of the site.
 *
 * @param names - The API's, by name.
 * @param faults - Takes links that lead nowhere.
 */
export function stagePage(file, text, page, { pages, names, pictures, faults }) {
  let fenced = false;
  const lines = text.split('\n').map((line) => {
    if (/^\s*```/.test(line)) {
      fenced = !fenced;
      return line.replace(/^(\s*```ts) no-run/, '$1');
    }
    if (fenced) return line;
    const heading = /^#/.test(line);
    return line
      .split(/(`+[^`]*`+|!?\[[^\]]*\]\([^)\s]+\))/)
      .map((part) => {
        const whole = /^(!?)\[([^\]]*)\]\(([^)\s]+)\)$/.exec(part);
        if (whole) {
          const [, picture, label, target] = whole;
          const to = picture ? pictureOf(file, target, pictures) : linkOf(file, target, pages, faults);
          return `${picture}[${label}](${to})`;
        }
        if (part.startsWith('`')) {
          const name = /^`([A-Za-z_$][\w$]{2,})(\([^`]*\))?`$/.exec(part)?.[1];
          const api = name && !heading && ofApi(page) ? names.get(name) : undefined;
          const code = part.includes('{{') ? `<code v-pre>${plain(part.replaceAll('`', ''))}</code>` : part;
          return api ? `[${code}](${api}){target="_self"}` : code;
        }
        return plain(part);
      })
      .join('');
  });
  return lines.join('\n');
}
