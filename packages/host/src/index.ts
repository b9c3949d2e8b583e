export { cacheRoot } from './cache-root.js';
export { isAlive, LockError, type LockOptions, withLock } from './lock.js';
