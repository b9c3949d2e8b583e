// Checks who knows whom (ARCHITECTURE.md): what the sources of each package import, and what it depends on. Inside of a
// package, files do not import each other in circles, types included; folders that are floors know those below them.
// `node scripts/check-rooms.mjs` prints every broken rule as file:line and exits with 1 if there is one.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { circles } from './lib/circles.mjs';

const core = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'];

/**
 * What a package may know: which packages of ours, which of TensorFlow.js, Node's own modules, other people's
 * libraries. A package that is not listed is a plugin.
 */
const rooms = {
  figures: { ours: [], tensorflow: [], node: false, libraries: false },
  core: { ours: ['figures'], tensorflow: core, node: false, libraries: false },
  plugin: { ours: ['core'], tensorflow: core, node: false, libraries: false },
  codec: {
    ours: [],
    tensorflow: [],
    node: false,
    libraries: true,
    // From the ground up: a folder knows the files beside the folders and the folders before it.
    floors: [
      'bytes',
      'coders',
      'layouts',
      'text',
      'container',
      'decode',
      'encode',
      'loading',
      'streaming',
      'update',
    ],
  },
  compress: {
    ours: ['core', 'codec', 'quantize-kmeans', 'photographs'],
    tensorflow: [...core, '@tensorflow/tfjs-converter'],
    node: false,
    libraries: false,
  },
  photographs: { ours: [], tensorflow: [], node: false, libraries: true },
  report: { ours: ['figures'], tensorflow: [], node: false, libraries: true },
  inspection: {
    ours: ['codec', 'compress', 'formats', 'quantize-kmeans', 'report'],
    tensorflow: core,
    node: true,
    libraries: true,
  },
  studio: {
    ours: ['core', 'report'],
    tensorflow: core,
    node: true,
    libraries: true,
    // The page is bundled: what it is made of is in the bundle, and nobody else's dependency.
    page: {
      ours: ['backend', 'codec', 'compress', 'core', 'fleet', 'formats', 'inspection', 'report'],
      tensorflow: true,
      node: false,
      libraries: true,
    },
  },
  sensitivity: {
    ours: ['core', 'pruners', 'pruners-structured'],
    tensorflow: core,
    node: false,
    libraries: false,
  },
  yaml: { ours: ['core'], tensorflow: core, node: false, libraries: true },
  distiller: { ours: ['core', 'yaml'], tensorflow: core, node: false, libraries: true },
  fleet: { ours: ['core', 'report'], tensorflow: core, node: true, libraries: true },
  host: { ours: [], tensorflow: [], node: true, libraries: true },
  datasets: { ours: ['core', 'formats', 'host'], tensorflow: core, node: true, libraries: true },
  formats: { ours: ['core', 'codec', 'compress', 'host'], tensorflow: core, node: true, libraries: true },
  backend: { ours: ['host'], tensorflow: true, node: true, libraries: true },
  runner: { ours: true, tensorflow: true, node: true, libraries: true },
  /** What people install who want everything: the only one that brings TensorFlow.js. */
  espalier: { ours: true, tensorflow: true, node: true, libraries: true, brings: true },
};

/** Packages whose files still import each other in circles. Whoever unties one takes its name away. */
export const tangled = [];

const allows = (rule, value) => rule === true || (rule !== false && rule.includes(value));

/** Why a package, or what of it is bundled as a page, may not know `specifier`, or undefined. */
function objection(name, specifier, page = false) {
  const own = rooms[name] ?? rooms.plugin;
  const room = (page && own.page) || own;
  const kind = room === rooms.plugin ? `${name} is a plugin package, which` : name;
  if (specifier.startsWith('@espalier/')) {
    const other = specifier.split('/')[1];
    if (other === 'runner' && name !== 'espalier') return 'only espalier knows runner';
    if (other !== name && !allows(room.ours, other)) {
      return `${kind} knows ${room.ours.length === 0 ? 'no other package of ours' : `only ${room.ours.join(', ')}`}`;
    }
    return undefined;
  }
  if (specifier.startsWith('@tensorflow/')) {
    const other = specifier.split('/').slice(0, 2).join('/');
    if (allows(room.tensorflow, other)) return undefined;
    return `${kind} knows ${room.tensorflow.length === 0 ? 'nothing of TensorFlow.js' : `only ${room.tensorflow.join(' and ')} of TensorFlow.js`}`;
  }
  if (isBuiltin(specifier)) return room.node ? undefined : `${kind} runs in browsers: no Node modules`;
  return room.libraries ? undefined : `${kind} uses no libraries`;
}

/** The floors of two files of a package that may not know each other, or undefined. */
function stairs(floors, from, to) {
  const [own, other] = [from, to].map((path) => floors.indexOf(path.split('/')[0]));
  return own >= 0 && other > own ? `${floors[own]} lies below ${floors[other]}` : undefined;
}

function* sourcesOf(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name)) yield join(entry.parentPath, entry.name);
  }
}

/** All broken rules of the packages below `root`, one line each. Those of `tangled` may have circles, and must. */
export function brokenRules(root, tangled = []) {
  const broken = [];
  for (const name of readdirSync(join(root, 'packages'))) {
    const home = join(root, 'packages', name);
    const manifestPath = join(home, 'package.json');
    if (!existsSync(manifestPath)) continue;
    const text = readFileSync(manifestPath, 'utf8');
    const manifest = JSON.parse(text);
    const report = (path, line, what) =>
      broken.push(`${relative(root, path).split(sep).join('/')}:${line}  ${what}`);

    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
      for (const dependency of Object.keys(manifest[kind] ?? {})) {
        const line = text
          .slice(0, text.indexOf(`"${dependency}"`, text.indexOf(`"${kind}"`)))
          .split('\n').length;
        const why = objection(name, dependency);
        if (why !== undefined) report(manifestPath, line, `depends on ${dependency}: ${why}`);
        if (kind === 'dependencies' && dependency.startsWith('@tensorflow/') && !rooms[name]?.brings) {
          report(manifestPath, line, `${dependency} is a dependency: TensorFlow.js is a peer everywhere`);
        }
      }
    }

    const src = join(home, 'src');
    const within = (path) => relative(src, path).split(sep).join('/');
    const known = new Map();
    for (const path of existsSync(src) ? sourcesOf(src) : []) {
      const source = readFileSync(path, 'utf8');
      const imported = [];
      known.set(within(path), imported);
      for (const { fileName, pos } of ts.preProcessFile(source, true, true).importedFiles) {
        const own = fileName.startsWith('.') ? resolve(dirname(path), fileName) : undefined;
        if (own !== undefined) imported.push(within(own).replace(/\.js$/, '.ts'));
        const why =
          own === undefined
            ? objection(name, fileName, within(path).startsWith('page/'))
            : relative(home, own).startsWith('..')
              ? 'other packages are reached by their names'
              : stairs(rooms[name]?.floors ?? [], within(path), within(own));
        if (why !== undefined)
          report(path, source.slice(0, pos).split('\n').length, `imports ${fileName}: ${why}`);
      }
    }
    const found = circles(known);
    if (!tangled.includes(name)) {
      for (const [first, ...others] of found)
        report(join(src, first), 1, ['imports itself', ...others].join(', by way of '));
    } else if (found.length === 0 && known.size > 0) {
      broken.push(`scripts/check-rooms.mjs  no file of ${name} imports itself: take it from the tangled`);
    }
  }
  return broken;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const broken = brokenRules(fileURLToPath(new URL('..', import.meta.url)), tangled);
  for (const line of broken) process.stdout.write(`${line}\n`);
  process.stdout.write(
    broken.length === 0 ? 'Everybody knows only whom they may know.\n' : `${broken.length} broken rules\n`,
  );
  process.exitCode = broken.length === 0 ? 0 : 1;
}
