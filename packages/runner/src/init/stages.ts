/** What somebody wants of a model. */
export const goals = ['size', 'speed'] as const;

export type Goal = (typeof goals)[number];

/** What stages depend on. */
export interface StagesFor {
  readonly goal: Goal;
  /** Of the first stage; the others follow from it. */
  readonly epochs: number;
  /** Was the model trained before? */
  readonly trained: boolean;
  /** The last names of the parameters that are matrices: `kernel`, `embeddings` … */
  readonly matrices: readonly string[];
}

/** Stages that go well with most models: see docs/guide/choose-a-method.md for what else there is. */
export function stagesFor({ goal, epochs, trained, matrices }: StagesFor): object[] {
  const globs = matrices.map((name) => `**/${name}`);
  const cosine = (initial: number): object => ({ cosine: { initial, final: initial / 100 } });
  const initial = trained ? 0.0002 : 0.002;
  const prune = Math.max(2, Math.round(0.8 * epochs));
  const tune = Math.max(1, Math.round(0.3 * epochs));
  const first = { name: trained ? 'tune' : 'dense', epochs, learningRate: cosine(initial) };
  const share = [
    {
      name: 'share',
      use: '@espalier/quantize-kmeans#kmeans',
      options: { clusters: 32 },
      parameters: globs,
    },
    { name: 'settle', epochs: tune, learningRate: initial / 10 },
  ];
  if (goal === 'size') {
    const agp = {
      use: '@espalier/pruners#agp',
      options: { final: 0.8, scope: 'global', floor: 0.05 },
      parameters: globs,
      end: Math.max(1, Math.round(0.7 * prune)),
    };
    return [
      first,
      { name: 'prune', epochs: prune, learningRate: cosine(initial), schedules: [agp] },
      ...share,
    ];
  }
  const filters = {
    use: '@espalier/pruners-structured#structuredAgp',
    options: { structure: 'filters', final: 0.5, refused: 'skip' },
    parameters: '**/kernel',
    end: Math.max(1, Math.round(0.7 * prune)),
  };
  return [
    first,
    { name: 'prune', epochs: prune, learningRate: cosine(initial), schedules: [filters] },
    { name: 'thin', use: '@espalier/pruners-structured#thin' },
    { name: 'recover', epochs: tune, learningRate: cosine(initial / 2) },
    ...share,
  ];
}
