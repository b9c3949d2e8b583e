import type { Source } from '@espalier/yaml';

type Path = readonly (string | number)[];

/** Something a reader of the recipe has to know. */
export interface ImportNote {
  /**
   * `lost`: has no counterpart here, the recipe does less than the schedule. `changed`: the recipe does it in
   * another way than Distiller. `defect`: a known fault of the schedule or of Distiller.
   */
  readonly kind: 'lost' | 'changed' | 'defect';
  /** Where in the schedule, `file:line:column`; more than one place that the same is true of. */
  readonly at: string[];
  readonly message: string;
}

/** All that is to be said about an import, in the order of the schedule. */
export class Notes {
  readonly all: ImportNote[] = [];
  readonly source: Source;

  constructor(source: Source) {
    this.source = source;
  }

  add(kind: ImportNote['kind'], path: Path, message: string, key = false): void {
    const at = this.source.locate(path, key);
    const same = this.all.find((note) => note.kind === kind && note.message === message);
    if (same === undefined) this.all.push({ kind, at: [at], message });
    else if (!same.at.includes(at)) same.at.push(at);
  }
}
