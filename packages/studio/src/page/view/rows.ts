/** So many rows of a table are shown at a time: a browser that lays out a thousand does nothing else meanwhile. */
const atOnce = 50;

/** Rows that are not shown yet, in their order. */
const hidden = new WeakMap<HTMLTableSectionElement, HTMLTableRowElement[]>();

/** All rows of a table, shown or not. */
export function rowsOf(body: HTMLTableSectionElement): HTMLTableRowElement[] {
  return [...body.rows, ...(hidden.get(body) ?? [])];
}

/** Shows the first of some rows, and keeps the rest. */
export function arrange(
  body: HTMLTableSectionElement,
  rows: readonly HTMLTableRowElement[],
  shown: number,
): void {
  body.replaceChildren(...rows.slice(0, shown));
  hidden.set(body, rows.slice(shown));
}

/** Adds a button that shows more of a table's rows. */
function addMore(body: HTMLTableSectionElement, after: Element): void {
  const more = document.createElement('button');
  more.type = 'button';
  const name = (): void => {
    const rest = hidden.get(body)?.length ?? 0;
    more.textContent = `Show ${Math.min(rest, atOnce)} more of ${rest + body.rows.length}`;
    more.hidden = rest === 0;
  };
  more.addEventListener('click', () => {
    arrange(body, rowsOf(body), body.rows.length + atOnce);
    name();
  });
  name();
  after.after(more);
}

/** Puts HTML into a box; of long tables the beginning, and a button for more. */
export function fill(box: HTMLElement, source: string): void {
  const template = document.createElement('template');
  template.innerHTML = source;
  for (const body of template.content.querySelectorAll('tbody')) {
    if (body.rows.length <= 1.5 * atOnce) continue;
    arrange(body, rowsOf(body), atOnce);
    addMore(body, body.closest('.scroll') ?? (body.parentElement as Element));
  }
  box.replaceChildren(template.content);
}
