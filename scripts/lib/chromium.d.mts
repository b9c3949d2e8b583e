/** A Chromium or Chrome on this machine: $CHROMIUM, or the first on the PATH. Nothing is installed. */
export function findChromium(): string | undefined;
