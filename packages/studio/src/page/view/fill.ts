/** So many rows of a table come at a time: a browser that lays out a thousand at once does nothing else meanwhile. */
const atOnce = 40;

/**
 * Puts HTML into a box; long tables come by and by, a part for each frame.
 *
 * @returns puts what is left there at once
 */
export function fill(box: HTMLElement, source: string): () => void {
  const template = document.createElement('template');
  template.innerHTML = source;
  const rest = [...template.content.querySelectorAll('tbody')].flatMap((body) => {
    const rows = [...body.rows].slice(atOnce);
    for (const row of rows) row.remove();
    return rows.map((row) => ({ body, row }));
  });
  box.replaceChildren(template.content);
  let frame = 0;
  const some = (count: number): void => {
    for (const { body, row } of rest.splice(0, count)) body.append(row);
  };
  const next = (): void => {
    some(atOnce);
    if (rest.length > 0) frame = requestAnimationFrame(next);
  };
  if (rest.length > 0) frame = requestAnimationFrame(next);
  return () => {
    cancelAnimationFrame(frame);
    some(rest.length);
  };
}
