// Writes the JSON schema of recipes beside the built code.
import { writeFileSync } from 'node:fs';
import { recipeJsonSchema } from '../dist/index.js';

const target = new URL('../dist/recipe.schema.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(recipeJsonSchema(), null, 2)}\n`);
