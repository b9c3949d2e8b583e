import { defineConfig } from 'vitest/config';
import { alone, together } from './scripts/suite/files.js';
import { LongestFirst } from './scripts/suite/longest-first.js';

// Not 'import', which Vite adds itself: Node would take it for what is required, too (pg).
const conditions = ['espalier-source', 'module', 'node', 'default'];

/** Tests run on the sources of all packages: no build is needed before them. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    exclude: ['**/node_modules/**', '**/dist/**', '**/runs/**'],
    pool: 'forks',
    // TF.js greets on every start of its cpu backend.
    onConsoleLog: (log) => !log.includes('looks like you are running TensorFlow.js in Node.js'),
    // One more than the cores of the machine that checks: many tests wait for a process, a database or a page.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    globalSetup: 'scripts/suite/temporary-folder.ts',
    // Machines are slower than this one, and busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A hunt for mutants runs one file at a time, through a plugin that projects would not inherit.
    ...(process.env.ESPALIER_MUTANTS
      ? { include: [...alone, ...together] }
      : {
          projects: [
            { extends: true, test: { name: 'alone', include: alone } },
            {
              extends: true,
              test: {
                name: 'together',
                include: together,
                isolate: false,
                setupFiles: 'scripts/suite/as-found.ts',
              },
            },
          ],
        }),
  },
});
