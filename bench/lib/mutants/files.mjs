// Which files are algorithmic: those that hold a formula, a search, a selection, a format. All files of a package are, but
// for those named here, with the reason. Names count wherever the file lies.
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const declarations = 'only types, or names that are exported again';
const words = 'words of errors and checks of input, which their own tests hold to their texts';
const wiring = 'calls the parts in order: a fault shows in every test of the package, or is one of the parts';
const outside = 'reaches out of the program (workers, downloads, the clock, what TF.js keeps to itself)';
const picture = 'draws made-up examples: one is as good as another, so that most mutants are as right';

const others = {
  core: {
    [declarations]: 'data figure metrics optimizer parameter plugin quantized train-options bound',
    [words]: 'errors check-options answers',
    [wiring]: 'run trainer train end-epoch step trainer-state bench index invariants rules toy',
    [outside]: 'chained-ops differentiable dispose-model layer-rules tape topology',
  },
  pruners: { [declarations]: 'per-parameter' },
  'pruners-structured': {
    [declarations]: 'scorer',
    [wiring]: 'nested-state outputs inside opaque',
    [outside]: 'time-inference',
  },
  regularizers: { [declarations]: 'penalty', [outside]: 'copy-model' },
  'priors-gmm': {
    [declarations]: 'frames',
    [words]: 'options',
    [wiring]: 'album',
    [outside]: 'kernel host-kernels',
  },
  'bayesian-layers': {
    [declarations]: 'kernels',
    [words]: 'options',
    [wiring]: 'album figures factories state',
    [outside]: 'followed-by',
  },
  'quantize-kmeans': { [declarations]: 'per-parameter' },
  codec: {
    [declarations]: 'artifacts decoder streaming primer numbers bit-coder search',
    [words]: 'errors input',
    [outside]: 'worker stream-handler handler http-range download',
  },
  compress: {
    [declarations]: 'model',
    [words]: 'options',
    [wiring]: 'compress load-layers sample',
    [outside]: 'gradients intercept time-budget cost',
    [picture]: 'dead-leaves faces pictures sounds generate',
  },
};

/** The files that are not algorithmic, by reason. */
export const reasons = (name) => others[name] ?? {};

/** The algorithmic files of a package, from its `src`. */
export function algorithmic(name, packageDir) {
  const left = new Set(Object.values(others[name] ?? {}).flatMap((names) => names.split(' ')));
  return readdirSync(join(packageDir, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts' && !left.has(basename(file, '.ts')))
    .sort();
}
