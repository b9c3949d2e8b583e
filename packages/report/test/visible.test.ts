import { csv, formatTable, visible } from '@espalier/report';
import { expect, it } from 'vitest';

it('what steers a terminal, hides, or turns the direction is made visible; the rest stays', () => {
  for (const plain of ['dense/kernel', 'naïve 日本 ✓ 🎉', 'two\nlines\tand a tab'])
    expect(visible(plain)).toBe(plain);
  for (const code of [
    0x1b, 0x07, 0x0d, 0x7f, 0x9b, 0xad, 0x200b, 0x200e, 0x202e, 0x2028, 0x2066, 0xfeff, 0xd800,
  ]) {
    const text = visible(`a${String.fromCharCode(code)}b`);
    expect(text).toBe(`a\\u${code.toString(16).padStart(4, '0')}b`);
  }
  expect(visible('\u{e0041}')).toBe('\\udb40\\udc41'); // Tags: text that nobody sees.
  expect(visible('a\nb', { oneLine: true })).toBe('a\\u000ab');
});

it('JSON with what is hidden in it stays the same JSON', () => {
  const value = { 'a\u202eb\u009b\u{e0041}': '\u2028\n' };
  const shown = visible(JSON.stringify(value, null, 2));
  expect(shown).not.toMatch(/[\u202e\u009b\u2028]/);
  expect(JSON.parse(shown)).toEqual(value);
});

it('tables and CSV have one row per row, and no cell is a formula', () => {
  const name = 'a\n=b\u001b[2J';
  expect(formatTable([['name'], [name]]).split('\n')).toHaveLength(3);
  expect(
    csv([
      [name, 1],
      ['=HYPERLINK("x")', -2],
      ['+1', 0],
      ['-1', 0],
      ['@a,b', 0],
      ['ok', 3],
    ]),
  ).toBe(`a\\u000a=b\\u001b[2J,1\n"'=HYPERLINK(""x"")",-2\n'+1,0\n'-1,0\n"'@a,b",0\nok,3\n`);
});
