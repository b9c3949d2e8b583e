/** Nothing is looked up on a disk in a page. */
export function createRequire(): never {
  throw new Error('A page has no packages to look up.');
}
