// Packs every public package as `pnpm publish` would and looks at the tarballs: publint (strict: are the
// package.json and the files right?) and attw (do the types resolve?). `node scripts/check-publish.mjs
// [publint|attw]`; needs a build.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { node, root } from './lib/run.mjs';

const pnpm = join(root, '.tools/node_modules/pnpm/bin/pnpm.cjs');
const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
const [only] = process.argv.slice(2);

async function checkPublint(manifest, tarball) {
  const bytes = readFileSync(tarball);
  const pack = { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) };
  const { messages, pkg } = await publint({ pack, strict: true });
  return messages.map((message) => `${message.type}: ${formatMessage(message, pkg ?? manifest)}`);
}

async function checkAttw(_manifest, tarball) {
  const { code, output } = await node([attw, tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'], {
    quiet: true,
  });
  return code === 0 ? [] : output.trimEnd().split('\n');
}

const checks = { publint: checkPublint, attw: checkAttw };
const folder = mkdtempSync(join(tmpdir(), 'espalier-publish-'));
let bad = 0;
try {
  for (const name of readdirSync(join(root, 'packages'))) {
    const home = join(root, 'packages', name);
    const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    if (manifest.private) continue;
    const packed = await node([pnpm, '--dir', home, 'pack', '--pack-destination', folder], { quiet: true });
    if (packed.code !== 0) throw new Error(packed.output);
    const tarball = join(
      folder,
      `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`,
    );
    for (const [tool, check] of Object.entries(checks)) {
      if (only !== undefined && only !== tool) continue;
      const messages = await check(manifest, tarball);
      process.stdout.write(`${manifest.name}  ${tool}: ${messages.length === 0 ? 'ok' : 'not ok'}\n`);
      for (const message of messages) process.stdout.write(`    ${message}\n`);
      if (messages.length > 0) bad++;
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = bad === 0 ? 0 : 1;
