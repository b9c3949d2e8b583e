export { cacheRoot } from './cache-root.js';
export { isAlive, LockError, type LockOptions, withLock } from './lock.js';
export { NotRegularError, openRegular, readRegular } from './regular.js';
export { staysInside, ZipError, type ZipMember, zipMembers } from './zip.js';
