/**
 * Sorts a table by a column when its heading is clicked; numbers by `data-v`, the rest as text. Shows the frame of a
 * picture that its slider says.
 */
export const SCRIPT: string = `
for(const table of document.querySelectorAll('table.sortable')){
  const heads=[...table.tHead.rows[0].cells];
  heads.forEach((head,column)=>head.firstElementChild?.addEventListener('click',()=>{
    const numeric=head.classList.contains('n');
    const up=head.getAttribute('aria-sort')===(numeric?'descending':null)||head.getAttribute('aria-sort')==='descending';
    const value=row=>numeric?Number(row.cells[column].dataset.v):row.cells[column].textContent;
    const body=table.tBodies[0];
    const rows=[...body.rows].sort((a,b)=>numeric?value(a)-value(b):value(a).localeCompare(value(b)));
    body.append(...(up?rows:rows.reverse()));
    for(const other of heads)other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort',up?'ascending':'descending');
  }));
}
for(const box of document.querySelectorAll('.frames')){
  const frames=[...box.querySelectorAll('.frame')];
  box.querySelector('input').addEventListener('input',event=>frames.forEach((frame,i)=>{frame.hidden=i!==Number(event.target.value)}));
}
`;

/** SHA-256 of {@link SCRIPT}, Base64: the page's policy lets no other script run. A test keeps it true. */
export const SCRIPT_SHA256 = 'jhaBhLo0YISC70SxZiEfDCQ+TUuAt3Um6bXGJ5hSi7k=';
