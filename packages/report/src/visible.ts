const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => {
    return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }).join('');

/**
 * Text with what steers a terminal or turns the direction of writing made visible, as `\u001b`: names come from files
 * that anybody may have made. Lines stay lines; with `oneLine`, ends of lines and tabs are made visible too.
 *
 * @example
 * ```ts
 * import { visible } from '@espalier/report';
 * if (visible('fc\u001b[2J\u202e') !== 'fc\\u001b[2J\\u202e') throw new Error('unexpected');
 * ```
 */
export function visible(text: string, options: { readonly oneLine?: boolean } = {}): string {
  const { oneLine = false } = options;
  return text.replace(hidden, (character) =>
    !oneLine && (character === '\n' || character === '\t') ? character : escaped(character),
  );
}
