// The API pages that typedoc has written, by the names that they are of.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const kinds = ['functions', 'classes', 'interfaces', 'types', 'variables', 'enums'];

/** By name: where it is described. A name that several packages pass on is described where it was first found. */
export function apiNames(folder) {
  const found = new Map();
  for (const kind of kinds) {
    if (!existsSync(join(folder, kind))) continue;
    for (const file of readdirSync(join(folder, kind))) {
      const name = /^[^.]*\.(?:[^.]+\.)?([A-Za-z_$][\w$]*)\.html$/.exec(file)?.[1];
      if (name && !found.has(name)) found.set(name, `/api/${kind}/${file}`);
    }
  }
  return found;
}
