/** How data are named in a recipe, and what a person should know of the choices in it. */
export interface Looked {
  readonly data: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
}
