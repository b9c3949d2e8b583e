/**
 * Packs the model of a run for this page, with its hidden units reordered: `node make-model.js runs/NAME`. The one
 * in the repository comes from `espalier run examples/lenet-300-100/recipe.yaml`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode, reorderUnits } from '@espalier/codec';

const file = readFileSync(join(process.argv[2] ?? 'runs/lenet-300-100', 'model.esp'));
const smaller = encode(reorderUnits(decode(file)).artifacts, { effort: 9, sha256: true });
writeFileSync(new URL('./model.esp', import.meta.url), smaller);
console.log(`model.esp: ${smaller.length} bytes, before ${file.length}`);
