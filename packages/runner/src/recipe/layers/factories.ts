import { constraints, initializers, regularizers } from '@tensorflow/tfjs-layers';
import * as z from 'zod';

/** What a TF.js factory takes, option by option; `required` where it cannot do without. */
export type Options<K extends string = string> = Readonly<Record<K, z.ZodType>>;

const number = z.number();
const positive = z.number().positive('expected a number > 0');
const atLeastZero = z.number().min(0, 'expected a number >= 0');
const seed = { seed: z.int('expected a whole number').optional() };
const axis = { axis: z.int('expected a whole number').optional() };

type Takes<F> = F extends (args: infer A) => unknown ? Options<Extract<keyof NonNullable<A>, string>> : never;
/** The options of each factory, so that the compiler misses none. */
type All<T> = { readonly [K in keyof T]: Takes<T[K]> };

const ofInitializers: All<typeof initializers> = {
  zeros: {},
  ones: {},
  constant: { value: number },
  randomUniform: { minval: number.optional(), maxval: number.optional(), ...seed },
  randomNormal: { mean: number.optional(), stddev: atLeastZero.optional(), ...seed },
  truncatedNormal: { mean: number.optional(), stddev: atLeastZero.optional(), ...seed },
  identity: { gain: number.optional() },
  varianceScaling: {
    scale: positive.optional(),
    mode: z.enum(['fanIn', 'fanOut', 'fanAvg']).optional(),
    distribution: z.enum(['normal', 'uniform', 'truncatedNormal']).optional(),
    ...seed,
  },
  glorotUniform: seed,
  glorotNormal: seed,
  heNormal: seed,
  heUniform: seed,
  leCunNormal: seed,
  leCunUniform: seed,
  orthogonal: { gain: number.optional(), ...seed },
};

const ofRegularizers: All<typeof regularizers> = {
  l1l2: { l1: atLeastZero.optional(), l2: atLeastZero.optional() },
  l1: { l1: atLeastZero },
  l2: { l2: atLeastZero },
};

const rate = z.number().min(0, 'expected a number in [0, 1]').max(1, 'expected a number in [0, 1]');

const ofConstraints: All<typeof constraints> = {
  maxNorm: { maxValue: atLeastZero.optional(), ...axis },
  unitNorm: axis,
  nonNeg: {},
  minMaxNorm: {
    minValue: atLeastZero.optional(),
    maxValue: atLeastZero.optional(),
    rate: rate.optional(),
    ...axis,
  },
};

/** A family of things that a layer's option names: by name, by name with options, or as TF.js writes it. */
export interface Family {
  readonly schema: z.ZodType;
  /** The thing itself. The value has been checked. */
  make(value: unknown): object;
}

type Factory = (args?: unknown) => object;
/** As TF.js's `getConfig` writes one. */
interface Written {
  readonly className: string;
  readonly config?: object;
}

function family(what: string, factories: object, options: Readonly<Record<string, Options>>): Family {
  const names = Object.keys(options);
  const made = factories as Readonly<Record<string, Factory>>;
  const plain = names.filter((name) => z.strictObject(options[name]).safeParse({}).success);
  const byClass = (className: string): string | undefined =>
    names.find((name) => name.toLowerCase() === className.toLowerCase());
  const written = z.strictObject({
    className: z.string(),
    config: z.record(z.string(), z.unknown()).optional(),
  });
  const schema = z.union([
    z.enum(plain as [string]),
    one(what, Object.fromEntries(names.map((name) => [name, z.strictObject(options[name])]))),
    written.superRefine(({ className, config = {} }, context) => {
      const name = byClass(className);
      if (name === undefined) {
        context.addIssue({ code: 'custom', path: ['className'], message: `expected ${names.join(', ')}` });
        return;
      }
      const issues = z.strictObject(options[name]).safeParse(config).error?.issues ?? [];
      for (const { message, path } of issues) {
        context.addIssue({ code: 'custom', path: ['config', ...path], message: `${className}: ${message}` });
      }
    }),
  ]);
  return {
    schema: schema.meta({
      id: what,
      description: `One of ${names.join(', ')}; with options: { ${names.at(-1)}: { … } }.`,
    }),
    make(value) {
      if (typeof value === 'string') return made[value]({});
      if ('className' in (value as object)) {
        const { className, config = {} } = value as Written;
        return made[byClass(className)!](config);
      }
      const [[name, args]] = Object.entries(value as object);
      return made[name](args);
    },
  };
}

/** An object with one key of those in `shape`: what is made, and its options. */
export function one(what: string, shape: Readonly<Record<string, z.ZodType>>): z.ZodType {
  const optional = Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, value.optional()]));
  const [example] = Object.keys(shape);
  // Counted before anything else: `{ type: dense, units: 10 }` is no layer with a wrong key.
  return z
    .record(z.string(), z.unknown())
    .refine(
      (value) => Object.keys(value).length === 1,
      `expected one ${what} by its name and its options, such as { ${example}: { … } }`,
    )
    .pipe(z.strictObject(optional));
}

/** Those of weights: `heNormal`, `{ l2: { l2: 0.001 } }`, `{ maxNorm: { maxValue: 2 } }`. */
export const families = {
  Initializer: family('initializer', initializers, ofInitializers),
  Regularizer: family('regularizer', regularizers, ofRegularizers),
  Constraint: family('constraint', constraints, ofConstraints),
} as const;

/** The family that an option of a layer belongs to, by its name. */
export function familyOf(option: string): Family | undefined {
  const found = Object.keys(families).find((name) => option.endsWith(name)) as keyof typeof families;
  return families[found];
}
