import { createRequire } from 'node:module';

/** This package's version, and so the command's. */
export const { version } = createRequire(import.meta.url)('../package.json') as { readonly version: string };
