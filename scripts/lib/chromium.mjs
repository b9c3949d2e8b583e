import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A Chromium or Chrome on this machine: $CHROMIUM, or the first on the PATH. Nothing is installed. */
export function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = [
    process.env.CHROMIUM ?? '',
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
  ];
  return candidates.find((path) => path !== '' && existsSync(path));
}
