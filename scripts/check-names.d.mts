export const shared: string[];
export function sharedNames(root: string, known?: string[]): string[];
export function longFiles(root: string): string[];
