export function generator(...keys: readonly number[]): () => number;
export function permutation(n: number, ...keys: readonly number[]): Uint32Array<ArrayBuffer>;
