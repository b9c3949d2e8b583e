import { EspalierError, type Of, type Parameter, selectParameters } from '@espalier/core';

/**
 * One setting for all parameters, or one for each: by name or glob (a full name wins, then the first glob that
 * matches; `'**'` is the rest), or by a function.
 */
export type PerParameter<T> = T | Readonly<Record<string, T>> | ((parameter: Parameter) => T);

/**
 * The setting of every parameter, by name.
 *
 * @throws EspalierError `unknown-name` for a pattern that matches nothing, `invalid-option` for a parameter
 *   without a setting or one that `check` refuses.
 */
export function settingsOf<T extends number>(
  owner: string,
  option: string,
  setting: PerParameter<T>,
  of: Of,
  check: (value: T, where: string) => void,
): Map<string, T> {
  const settings = new Map<string, T>();
  if (typeof setting === 'object') {
    for (const [pattern, value] of Object.entries(setting)) {
      check(value, `${option}['${pattern}']`);
      for (const { name } of selectParameters(of, pattern))
        if (!settings.has(name)) settings.set(name, value);
    }
    const left = of.find(({ name }) => !settings.has(name));
    if (left !== undefined) {
      throw new EspalierError('invalid-option', `${owner}: ${option} says nothing of ${left.name}.`, {
        remedy: "Add a pattern that matches it; '**' as the last one matches every parameter.",
      });
    }
    return settings;
  }
  for (const parameter of of) {
    const value = typeof setting === 'function' ? setting(parameter) : setting;
    check(value, typeof setting === 'function' ? `${option} of ${parameter.name}` : option);
    settings.set(parameter.name, value);
  }
  return settings;
}
