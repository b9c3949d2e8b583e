/** Thrown for a `report.json` that is not one. */
export class ReportError extends Error {
  readonly code = 'bad-report';
  /** Where in the report, e.g. `compressed.accuracy`. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${path === '' ? 'report' : path}: ${message}`);
    this.name = 'ReportError';
    this.path = path;
  }
}

/** Checks a value found at a path; throws {@link ReportError}. */
export type Check = (value: unknown, path: string) => void;

/** A value as it is shown in an error: short. */
function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function expected(what: string, value: unknown, path: string): ReportError {
  return new ReportError(
    path,
    value === undefined ? `missing; expected ${what}.` : `${shown(value)}; expected ${what}.`,
  );
}

export const string: Check = (value, path) => {
  if (typeof value !== 'string') throw expected('a string', value, path);
};

export const boolean: Check = (value, path) => {
  if (typeof value !== 'boolean') throw expected('true or false', value, path);
};

/** A finite number, at least `least` and at most `most`. */
export function number(
  least: number = Number.NEGATIVE_INFINITY,
  most: number = Number.POSITIVE_INFINITY,
): Check {
  const range =
    least === Number.NEGATIVE_INFINITY ? '' : most === Infinity ? ` >= ${least}` : ` in [${least}, ${most}]`;
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < least || value > most) {
      throw expected(`a number${range}`, value, path);
    }
  };
}

/** A whole number, at least `least`. */
export function count(least = 0): Check {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      throw expected(`a whole number >= ${least}`, value, path);
    }
  };
}

export function exactly(wanted: number | string): Check {
  return (value, path) => {
    if (value !== wanted) throw expected(String(wanted), value, path);
  };
}

/** Either of two things. */
export function either(first: Check, second: Check): Check {
  return (value, path) => {
    try {
      first(value, path);
    } catch {
      second(value, path);
    }
  };
}

export function oneOf(...wanted: readonly string[]): Check {
  return (value, path) => {
    if (!wanted.includes(value as string))
      throw expected(wanted.map((w) => `"${w}"`).join(' or '), value, path);
  };
}

export function orNull(check: Check): Check {
  return (value, path) => {
    if (value !== null) check(value, path);
  };
}

export function optional(check: Check): Check {
  return (value, path) => {
    if (value !== undefined) check(value, path);
  };
}

export function list(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) throw expected('a list', value, path);
    value.forEach((entry, i) => {
      check(entry, `${path}[${i}]`);
    });
  };
}

/** Base64 of so many bytes. */
export function base64(bytes: number): Check {
  const form = /^[A-Za-z0-9+/]*={0,2}$/;
  return (value, path) => {
    const right = typeof value === 'string' && value.length === 4 * Math.ceil(bytes / 3) && form.test(value);
    const padding = right && value.endsWith('==') ? 2 : right && value.endsWith('=') ? 1 : 0;
    if (!right || padding !== (3 - (bytes % 3)) % 3) throw expected(`${bytes} bytes in Base64`, value, path);
  };
}

/** Numbers of which each is greater than the one before. */
export function ascending(values: readonly number[], path: string): void {
  values.forEach((value, i) => {
    if (i > 0 && !(value > values[i - 1])) {
      throw new ReportError(`${path}[${i}]`, `${value}; expected more than ${values[i - 1]}.`);
    }
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with any keys. */
export function record(check: Check): Check {
  return (value, path) => {
    if (!isObject(value)) throw expected('an object', value, path);
    for (const [key, entry] of Object.entries(value)) check(entry, `${path}.${key}`);
  };
}

/**
 * An object with at least these keys. Others are left alone: a newer minor version may have added them. `also`
 * looks at the object as a whole, once each part is right.
 */
export function object<T>(
  parts: { readonly [K in keyof Required<T>]: Check },
  also?: (value: T, path: string) => void,
): Check {
  return (value, path) => {
    if (!isObject(value)) throw expected('an object', value, path);
    for (const [key, check] of Object.entries<Check>(parts))
      check(value[key], path === '' ? key : `${path}.${key}`);
    also?.(value as T, path);
  };
}
