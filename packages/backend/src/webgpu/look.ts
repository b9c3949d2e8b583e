import { pathToFileURL } from 'node:url';
import { findPackage } from '../packages.js';
import { lastLine, run } from '../setup/run.js';
import { describeAdapter, type WebgpuAdapter } from './adapter.js';
import { DAWN } from './dawn.js';
import type { GpuAdapter } from './gpu.js';

/** Given to `node -e`: the adapter that Dawn takes first, as it describes itself. */
const SCRIPT = `
const [dawn, wanted] = process.argv.slice(1);
import(dawn).then(async ({ create }) => {
  const found = await create(wanted ? ['adapter=' + wanted] : []).requestAdapter({ powerPreference: 'high-performance' });
  if (!found) process.exit(1);
  const { vendor, architecture, device, description, isFallbackAdapter } = found.info;
  console.log(JSON.stringify({ vendor, architecture, device, description, isFallbackAdapter }));
  process.exit(0);
}).catch(() => process.exit(1));
`;

/**
 * Looks for an adapter in a process of its own: a driver that prints its own warnings, or crashes, does so there. For
 * those who would take a card if there is one, and have not asked for WebGPU.
 */
export async function lookForAdapter(): Promise<WebgpuAdapter | undefined> {
  const found = findPackage(DAWN);
  if (!found) return undefined;
  const args = ['-e', SCRIPT, pathToFileURL(found.main).href, process.env.ESPALIER_WEBGPU_ADAPTER ?? ''];
  const { code, stdout } = await run(process.execPath, args, { timeout: 20_000 });
  if (code !== 0) return undefined;
  const info = JSON.parse(lastLine(stdout)) as GpuAdapter['info'];
  return describeAdapter({ info, limits: {} as GpuAdapter['limits'] });
}
