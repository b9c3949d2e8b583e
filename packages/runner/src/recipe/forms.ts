import type * as z from 'zod';

/** The parts of zod's schemas that say what may stand where they are. */
interface Def {
  readonly type: string;
  readonly shape?: Record<string, z.ZodType>;
  readonly element?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly out?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly items?: readonly z.ZodType[];
  readonly rest?: z.ZodType | null;
  readonly getter?: () => z.ZodType;
  readonly entries?: Record<string, string>;
  readonly values?: readonly unknown[];
}

/** They are not part of zod's own types. */
export const defOf = (schema: z.ZodType): Def => schema.def as unknown as Def;

/** The alternatives of a union, unions within it taken apart. */
export function alternatives(schema: z.ZodType): readonly z.ZodType[] {
  const { options, innerType, out, getter } = defOf(schema);
  if (options !== undefined) return options.flatMap(alternatives);
  const inner = innerType ?? out ?? getter?.();
  return inner === undefined ? [schema] : alternatives(inner);
}

function numberForm(schema: z.ZodType): string {
  const { format, minValue, maxValue } = schema as z.ZodNumber;
  const name = format === 'safeint' ? 'a whole number' : 'a number';
  const above = minValue !== null && schema.safeParse(minValue).success ? '>=' : '>';
  const low = minValue !== null && minValue > Number.MIN_SAFE_INTEGER ? ` ${above} ${minValue}` : '';
  const high = maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER ? ` up to ${maxValue}` : '';
  return `${name}${low}${high}`;
}

/** The first ones of many. */
const some = (names: readonly string[]): readonly string[] =>
  names.length > 9 ? [...names.slice(0, 8), '…'] : names;

/** What may stand there, in a few words; nothing for what only code can give. */
function formOf(schema: z.ZodType): string[] {
  const { type, shape, element, items, entries, values } = defOf(schema);
  switch (type) {
    case 'string':
      return ['a text'];
    case 'number':
      return [numberForm(schema)];
    case 'boolean':
      return ['true or false'];
    case 'array':
      return [`[${element === undefined ? '' : `${formsOf(element)}, `}…]`];
    case 'tuple':
      return [`[${(items ?? []).map((item) => formsOf(item)).join(', ')}]`];
    case 'object':
      return [`{ ${some(Object.keys(shape ?? {})).join(', ')} }`];
    case 'record':
      return ['a map'];
    case 'enum':
      return Object.values(entries ?? {});
    case 'literal':
      return (values ?? []).map(String);
    default:
      return [];
  }
}

/** All that may stand at a place, in a few words. */
export function formsOf(schema: z.ZodType): string {
  return some([...new Set(alternatives(schema).flatMap(formOf))]).join(' or ');
}

/** The alternative that an object was meant to be: one that it names, else the one that knows the most of its keys; or that takes any. */
export function meantBy(value: Readonly<Record<string, unknown>>, schema: z.ZodType): z.ZodType | undefined {
  const known = (one: z.ZodType): number => {
    const { shape = {} } = defOf(one);
    const keys = Object.keys(shape).filter((key) => Object.hasOwn(value, key));
    const named = keys.some((key) => defOf(shape[key]).values?.includes(value[key]));
    return named ? 1000 : keys.length;
  };
  const ranked = [...alternatives(schema)].sort((a, b) => known(b) - known(a));
  const found = ranked.length > 0 && known(ranked[0]) > 0 ? ranked[0] : undefined;
  return found ?? ranked.find((one) => defOf(one).type === 'record');
}

/** The schema at a path, of each alternative on the way the first that has it. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  for (const one of alternatives(schema)) {
    const def = defOf(one) as Def & { readonly valueType?: z.ZodType; readonly rest?: z.ZodType | null };
    const own = def.shape && Object.hasOwn(def.shape, key) ? def.shape[key as string] : undefined;
    const inner = own ?? def.element ?? def.valueType ?? def.items?.[key as number] ?? def.rest;
    const found = inner == null ? undefined : schemaAt(inner, rest);
    if (found !== undefined) return found;
  }
  return undefined;
}
