import { join } from 'node:path';
import { cacheRoot } from '@espalier/host';

/** Where one TensorFlow library and the addons built against it are kept, e.g. `tensorflow-2.21.0-linux-x64`. */
export function libraryDirectory(flavour: string, version: string): string {
  return join(cacheRoot(), `${flavour}-${version}-${process.platform}-${process.arch}`);
}
