export const examples: Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

export function keysOf(schema: Schema): Map<string, { readonly schema: Schema; readonly required: boolean }>;
export function sectionsOf(schema: Schema): Record<string, Schema>;
