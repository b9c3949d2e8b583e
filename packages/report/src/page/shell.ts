import { html, Markup } from '../markup.js';
import { SCRIPT, SCRIPT_SHA256 } from './script.js';
import { STYLE } from './style.js';

/**
 * A whole page: it needs nothing else, asks for nothing, is light or dark as the reader's system is, and its own policy
 * forbids any script but ours and any request.
 *
 * @param style - Rules that only this page needs.
 */
export function shell(title: string, body: Markup, style = ''): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${SCRIPT_SHA256}'`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>${title} · Espalier</title>
<style>${new Markup(STYLE)}${new Markup(style)}</style></head><body><main>
${body}
</main><script>${new Markup(SCRIPT)}</script></body></html>
`.source;
}
