export const tangled: string[];
export function brokenRules(root: string, tangled?: string[]): string[];
