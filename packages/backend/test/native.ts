import { existsSync } from 'node:fs';
import { findPackage } from '../src/packages.js';
import { bindingPath } from '../src/setup/addon.js';

const found = findPackage('@tensorflow/tfjs-node');

/** Where the native addon lies, or would lie. */
export const addon: string = found ? bindingPath(found) : '';

/** Whether the native addon is built on this machine; native tests are skipped, visibly, where it is not. */
export const hasNative: boolean = existsSync(addon);
if (!hasNative) console.warn('native tests are skipped: the addon is not built (run `espalier setup`)');
