import { fail } from '../errors.js';
import { MAX_DEPTH } from '../numbers.js';

/**
 * JSON that reads back as what it was made from: fields that are `undefined` are left out, all else that JSON would leave
 * out or change is refused.
 *
 * @throws EspError 'input', with the place of what cannot be kept.
 */
export function toJson(value: unknown): string {
  const above = new Set<object>();
  const write = (item: unknown, at: string): string => {
    if (item === null || typeof item === 'boolean') return String(item);
    if (typeof item === 'string') return JSON.stringify(item);
    if (typeof item === 'number') {
      if (!Number.isFinite(item)) refuse(at, item);
      return Object.is(item, -0) ? '-0' : String(item);
    }
    if (typeof item !== 'object') return refuse(at, item);
    if (above.has(item)) fail('input', `${at} holds itself: JSON cannot`);
    if (above.size >= MAX_DEPTH) fail('input', `${at} is nested more than ${MAX_DEPTH} deep`);
    above.add(item);
    const text = Array.isArray(item) ? writeList(item, at) : writeFields(item, at);
    above.delete(item);
    return text;
  };
  const writeList = (items: readonly unknown[], at: string): string => {
    let text = '';
    for (let i = 0; i < items.length; i++) text += `${i ? ',' : ''}${write(items[i], `${at}[${i}]`)}`;
    return `[${text}]`;
  };
  const writeFields = (fields: object, at: string): string => {
    // Of this realm or another.
    const prototype = Object.getPrototypeOf(fields);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) refuse(at, fields);
    let text = '';
    for (const [key, item] of Object.entries(fields)) {
      if (item !== undefined)
        text += `${text && ','}${JSON.stringify(key)}:${write(item, at ? `${at}.${key}` : key)}`;
    }
    return `{${text}}`;
  };
  return write(value, '');
}

function refuse(at: string, item: unknown): never {
  const what = typeof item === 'object' ? Object.prototype.toString.call(item).slice(8, -1) : typeof item;
  const value = typeof item === 'number' ? item : `of type ${what}`;
  return fail('input', `${at} is ${value}, which JSON cannot hold`);
}

/** Whether two values of JSON are the same to the bit, whatever the order of fields; what is `undefined` is not there. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const fields = (of: object): [string, unknown][] =>
    Object.entries(of).filter(([, item]) => item !== undefined);
  const [own, other] = [fields(a), fields(b)];
  return (
    own.length === other.length &&
    own.every(([key, item]) => Object.hasOwn(b, key) && sameJson(item, (b as Record<string, unknown>)[key]))
  );
}
