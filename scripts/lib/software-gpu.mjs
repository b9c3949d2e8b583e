import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const library = '/usr/lib/chromium/libvk_swiftshader.so';
const loaders = ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/libvulkan.so.1`);

/**
 * Whether WebGPU can be tested here: on what `VK_DRIVER_FILES` names, or on SwiftShader, which Debian's chromium brings
 * and which this names in the environment. To be asked before WebGPU starts. Nothing is installed.
 */
export function prepareSoftwareGpu() {
  if (process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES) return true;
  if (!existsSync(library) || !loaders.some((loader) => existsSync(loader))) return false;
  const file = join(mkdtempSync(join(tmpdir(), 'espalier-vulkan-')), 'swiftshader.json');
  const icd = { file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.0' } };
  writeFileSync(file, JSON.stringify(icd));
  process.env.VK_ICD_FILENAMES = file;
  process.env.XDG_RUNTIME_DIR ??= tmpdir(); // Else Vulkan's loader says so on stderr.
  return true;
}
