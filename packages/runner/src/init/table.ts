import { type ColumnLook, lookAtTable, type TableLook } from '@espalier/datasets';
import type { Looked } from './looked.js';
import type { Questions } from './questions.js';

/** Does a column merely count the rows? */
const counts = ({ name, holds, whole, different }: ColumnLook, rows: number): boolean =>
  holds === 'numbers' &&
  whole &&
  different === rows &&
  /^$|^(id|index|nr|no|row|unnamed.*)$|[_ -]id$/i.test(name);

/** So few whole numbers, each so often, are rather classes than a number. */
const isClasses = ({ holds, whole, different }: ColumnLook, rows: number): boolean =>
  holds === 'categories' || (holds === 'numbers' && whole && different <= 10 && rows >= 5 * different);

/** A table that is texts with a class each. */
function asTexts(csv: string, target: string, { columns, form }: TableLook): Looked | undefined {
  const others = columns.filter(({ name }) => name !== target);
  const text = others.filter(({ holds, length }) => holds === 'texts' && length > 15);
  if (text.length !== 1 || others.some(({ holds }) => holds === 'numbers' || holds === 'categories'))
    return undefined;
  return {
    data: {
      text: csv,
      field: text[0].name,
      label: target,
      ...(form.delimiter && { delimiter: form.delimiter }),
    },
    notes: [`${text[0].name}: texts, ${target}: their classes`],
  };
}

/** How a table is read: what to predict, which columns say nothing, what becomes of empty cells. */
export async function lookAtCsv(csv: string, questions: Questions): Promise<Looked> {
  const look = await lookAtTable(csv);
  const { rows, columns, form } = look;
  const names = columns.map(({ name }) => name);
  const target = await questions.answer({
    flag: 'target',
    text: 'Which column is to be predicted',
    choices: names,
  });
  const wanted = columns.find(({ name }) => name === target) as ColumnLook;
  const guess = isClasses(wanted, rows) ? 'classes' : 'number';
  const task = await questions.answer({
    flag: 'task',
    text: `Is ${target} one of some classes, or a number`,
    choices: ['classes', 'number'],
    otherwise: guess,
  });
  const texts = task === 'classes' ? asTexts(csv, target, look) : undefined;
  if (texts) return texts;
  const others = columns.filter(({ name }) => name !== target);
  const useless = others.filter(
    (column) => column.holds === 'nothing' || column.holds === 'texts' || counts(column, rows),
  );
  const used = [...others.filter((column) => !useless.includes(column)), wanted];
  const missing =
    wanted.missing > 0 ? 'drop' : used.some((column) => column.missing > 0) ? 'mean' : undefined;
  const asCategory = task === 'classes' && wanted.holds === 'numbers';
  return {
    data: {
      csv,
      target,
      ...form,
      ...(useless.length > 0 && { ignore: useless.map(({ name }) => name) }),
      ...(asCategory && { types: { [target]: 'category' } }),
      ...(missing && { missing }),
      ...(task === 'number' && { standardize: 'all' }),
    },
    notes: [
      `${rows} rows; ${target}: ${task === 'classes' ? `${wanted.different} classes` : 'a number'}`,
      ...(useless.length > 0
        ? [
            `left out, for they tell rows apart and no more: ${useless.map(({ name }) => name || "''").join(', ')}`,
          ]
        : []),
      ...(missing === 'mean' ? ['empty cells become the mean of the training split'] : []),
      ...(missing === 'drop' ? ['rows with empty cells are left out'] : []),
    ],
  };
}
