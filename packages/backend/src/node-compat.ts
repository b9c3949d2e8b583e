import { createRequire } from 'node:module';

/**
 * Puts back two functions that Node 23 removed from `util` and that tfjs-node 4.22 still calls.
 * A no-op on older versions.
 */
export function supplyRemovedUtil(): void {
  // The CommonJS object: the ES module namespace of `node:util` cannot be extended.
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}
