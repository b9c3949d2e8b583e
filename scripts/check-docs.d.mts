import type { DocExample } from './lib/doc-examples.mjs';

export function undocumented(
  entries: readonly { readonly from: string; readonly file: string }[],
  examples: readonly Pick<DocExample, 'code'>[],
): { names: number; faults: string[] };
