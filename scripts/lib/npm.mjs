import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The npm that runs this script, or the one beside node: no shell, no PATH. */
export function npmProgram() {
  const beside = join(process.execPath, '..', '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const onWindows = join(process.execPath, '..', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const own = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.env.npm_execpath] : [];
  const found = [...own, beside, onWindows].find((path) => existsSync(path));
  if (found === undefined)
    throw new Error('npm was not found beside node: run this through `npm run` or `npm test`');
  return found;
}
