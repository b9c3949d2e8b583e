import type { VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { arrange, fill, rowsOf } from './rows.js';

/** Sorts a table by the column whose heading was clicked; numbers by `data-v`, the rest as text. */
function sortBy(head: HTMLTableCellElement): void {
  const table = head.closest('table');
  const body = table?.tBodies[0];
  if (!table || !body) return;
  const numeric = head.classList.contains('n');
  const now = head.getAttribute('aria-sort');
  const up = now === (numeric ? 'descending' : null) || now === 'descending';
  const column = head.cellIndex;
  const number = (row: HTMLTableRowElement): number => Number(row.cells[column].dataset.v);
  const text = (row: HTMLTableRowElement): string => row.cells[column].textContent ?? '';
  const rows = rowsOf(body).sort((a, b) =>
    numeric ? number(a) - number(b) : text(a).localeCompare(text(b)),
  );
  arrange(body, up ? rows : rows.reverse(), body.rows.length);
  for (const other of head.parentElement?.children ?? []) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
}

/** HTML that `@espalier/report` has made, which escapes all that it is given. What scrolls can be reached by keyboard. */
export function Html({ source, label }: { source: string; label?: string }): VNode {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (box.current) fill(box.current, source);
  }, [source]);
  useLayoutEffect(() => {
    for (const scroll of box.current?.querySelectorAll<HTMLElement>('.scroll') ?? []) {
      scroll.tabIndex = 0;
      scroll.setAttribute('role', 'region');
      const title = scroll.querySelector('svg')?.getAttribute('aria-label');
      scroll.setAttribute('aria-label', title ?? label ?? 'Table');
    }
  }, [source, label]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the buttons in it are what is clicked
    <div
      ref={box}
      onClick={(event) => {
        const head = (event.target as Element).closest('table.sortable th');
        if (head && (event.target as Element).closest('button')) sortBy(head as HTMLTableCellElement);
      }}
      onKeyDown={() => {}}
    />
  );
}
