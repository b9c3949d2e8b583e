import { visible } from './visible.js';

/** Text that is safe to put into a page as it is. Only {@link html} makes it out of other values. */
export class Markup {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** What may stand in a template: markup as it is, text and numbers escaped, lists joined, the rest left out. */
export type Content = Markup | string | number | false | undefined | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(content: Content): string {
  if (content instanceof Markup) return content.source;
  if (content === undefined || content === false) return '';
  if (typeof content === 'object') return content.map(render).join('');
  return visible(String(content)).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/**
 * HTML or SVG out of a template. Every value is escaped unless it is {@link Markup} itself, so that a tensor's name
 * can stand anywhere between tags or in a quoted attribute. (It must not stand in a script, a style or an address.)
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, part, i) => text + render(values[i - 1]) + part));
}
