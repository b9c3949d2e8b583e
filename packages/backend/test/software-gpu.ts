import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const library = '/usr/lib/chromium/libvk_swiftshader.so';
const loaders = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/aarch64-linux-gnu/libvulkan.so.1'];

/**
 * Whether tests can compute on WebGPU here: on what `VK_DRIVER_FILES` names, or on SwiftShader, which Debian's chromium
 * brings and which this names. Must be asked before WebGPU starts.
 */
export const hasWebgpu: boolean = prepare();

function prepare(): boolean {
  if (process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES) return true;
  if (!existsSync(library) || !loaders.some(existsSync)) {
    console.log('WebGPU is not tested: needs chromium and libvulkan1 (Debian), or VK_DRIVER_FILES');
    return false;
  }
  const file = join(mkdtempSync(join(tmpdir(), 'espalier-vulkan-')), 'swiftshader.json');
  const icd = { file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.0' } };
  writeFileSync(file, JSON.stringify(icd));
  process.env.VK_ICD_FILENAMES = file;
  process.env.XDG_RUNTIME_DIR ??= tmpdir(); // Else Vulkan's loader says so on stderr.
  return true;
}
