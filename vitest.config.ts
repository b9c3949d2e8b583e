import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Not 'import', which Vite adds itself: Node would take it for what is required, too (pg).
const conditions = ['espalier-source', 'module', 'node', 'default'];

const long = /webgpu-|doc-examples|fleet|runner\/test\/run\./;

/** The files that take longest begin first, so that none of them runs alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = (file: TestSpecification): number => Number(!long.test(file.moduleId));
    return (await super.sort(files)).sort((a, b) => rest(a) - rest(b));
  }
}

/** Tests run on the sources of all packages: no build is needed before them. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/runs/**'],
    pool: 'forks',
    // TF.js greets on every start of its cpu backend.
    onConsoleLog: (log) => !log.includes('looks like you are running TensorFlow.js in Node.js'),
    // One more than the cores of the machine that checks: many tests wait for a process, a database or a page.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Machines are slower than this one, and busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
