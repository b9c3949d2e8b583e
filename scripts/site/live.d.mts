/** By where each page stands on the site: how it gets into a folder. */
export const live: ReadonlyMap<'studio' | 'digits', (to: string) => void>;
/** Folders that have to be built before. */
export function missing(): string[];
