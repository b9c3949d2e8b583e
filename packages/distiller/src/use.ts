/** A plugin as a recipe names it, for some parameters. */
export interface Use {
  readonly use: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly parameters?: string | readonly string[];
}

/** A plugin bound to epochs of a stage, as a recipe writes it. */
export interface ScheduleItem extends Use {
  readonly start?: number;
  readonly end?: number;
  readonly every?: number | { readonly steps: number };
}

/** What a component of a Distiller schedule does, in terms of this library's plugins. */
export interface Rule {
  /** What is done in one epoch. */
  at(epoch: number): readonly Use[];
  /**
   * What is done by one plugin that fires in several epochs, from `first` to `last` every so many; undefined when
   * no plugin does that, so that the epochs are written one by one.
   */
  row(first: number, last: number, every: number): readonly Use[] | undefined;
  /** Does what is done depend on the epoch alone, not on how often it was done? Default false. */
  readonly steady?: boolean;
  /** Does the plugin reckon with the end of its schedule? Default false. */
  readonly exactEnd?: boolean;
  /** It can only be done while training, for this reason. */
  readonly whileTraining?: string;
  /** What is lost when the row is broken in two. */
  readonly whenBroken?: string;
}

/** A list of names as a recipe writes it: one alone without brackets. */
export function listed(names: readonly string[]): string | readonly string[] {
  return names.length === 1 ? names[0] : names;
}
