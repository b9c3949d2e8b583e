import * as z from 'zod';
import { recipeSchema } from './schema.js';

/**
 * The JSON schema of recipes, for editors that complete and check YAML.
 *
 * @example
 * ```ts
 * import { recipeJsonSchema } from '@espalier/runner';
 * const { properties } = recipeJsonSchema() as { properties: object };
 * if (!('stages' in properties)) throw new Error('unexpected');
 * ```
 */
export function recipeJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(recipeSchema, { unrepresentable: 'any' }) as Record<string, unknown>;
}
