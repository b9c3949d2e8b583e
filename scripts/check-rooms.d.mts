export function brokenRules(root: string): string[];
