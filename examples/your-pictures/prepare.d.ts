type Files = Iterable<[name: string, bytes: Uint8Array | string]>;
export function sorted(photographs: Iterable<readonly [name: string, bytes: Uint8Array]>): Files;
export function modelFiles(model: object, base64: string): Files;
