import { type Of, type PerParameter, perParameter } from '@espalier/core';

/**
 * The setting of every parameter, by name.
 *
 * @param setting - One number for all has been checked.
 * @throws as core's `perParameter`, and what `check` throws of a value; `where` tells it whose value that is.
 */
export function settingsOf(
  owner: string,
  option: string,
  setting: PerParameter<number>,
  of: Of,
  check: (value: number, where: string) => void,
): Map<string, number> {
  const settings = new Map<string, number>();
  for (const [{ name }, value] of perParameter(owner, option, setting, of)) {
    check(value, `${option} of ${name}`);
    settings.set(name, value);
  }
  return settings;
}
