import type { Place } from './store.js';

export function put(place: Place, at: number, data: Uint8Array): void;
export function chosenOf(
  place: Place,
  from: number,
  chosen: Uint32Array,
  stride: number,
): { readonly bytes: Uint8Array; readonly order: Uint32Array };
