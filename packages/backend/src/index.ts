export { BackendError, type BackendErrorCode } from './error.js';
export { cacheRoot } from './setup/cache.js';
export { type SetupOptions, type SetupResult, setup } from './setup/setup.js';
