export { type ImportedRecipe, type ImportOptions, importSchedule } from './import.js';
export type { ImportNote } from './notes.js';
