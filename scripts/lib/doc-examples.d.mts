export interface DocExample {
  /** Relative to the repository. */
  readonly file: string;
  /** Of its first line of code, 1-based. */
  readonly line: number;
  readonly code: string;
}
export function docExamples(options?: { readonly all?: boolean }): DocExample[];
export function exampleFile(example: DocExample): string;
export function writeDocExamples(examples?: readonly DocExample[]): void;
