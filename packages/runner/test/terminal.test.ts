import { EspalierError } from '@espalier/core';
import { visible } from '@espalier/report';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fail } from '../src/terminal/fail.js';
import { showProgress } from '../src/terminal/progress.js';

const terminal = (): { isTTY: boolean; text: string; write(text: string): boolean } => ({
  isTTY: true,
  text: '',
  write(text) {
    this.text += text;
    return true;
  },
});
const run = (stream: ReturnType<typeof terminal>): void => {
  const listener = showProgress(stream as never);
  listener.info('fc\u001b]0;title\u0007\u202e');
  listener.stage('a\u009b2J', 0, 1, 'b\u001b[2J');
  listener.step({ epoch: 0, epochs: 1, step: 1, steps: 2, loss: 1 });
  listener.warn('last');
};

beforeEach(() => {
  vi.stubEnv('NO_COLOR', '');
  vi.stubEnv('TERM', 'xterm');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('a terminal gets our paint, and nothing that came from a file', () => {
  const stream = terminal();
  run(stream);
  expect(stream.text).toContain('\u001b[1m[1/1] a\\u009b2J');
  expect(stream.text).toContain('fc\\u001b]0;title\\u0007\\u202e');
  expect(stream.text).toContain('█');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: our own paint
  const rest = stream.text.replace(/\u001b\[\d*[mK]|\r/g, '');
  expect(visible(rest)).toBe(rest);
});

it.each([
  ['NO_COLOR', '1'],
  ['NO_COLOR', 'true'],
  ['TERM', 'dumb'],
])('with %s=%s there are no escapes at all', (name, value) => {
  vi.stubEnv(name, value);
  const stream = terminal();
  run(stream);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
  expect(stream.text).not.toMatch(/[\u001b\r]/);
  expect(stream.text).toContain('warning: last\n');
});

it('errors are made visible too, ours and others', () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(fail(new EspalierError('bad-model', 'the weight \u001b[2Jx', { remedy: 'Rename it.' }))).toBe(2);
  expect(fail(new TypeError('\u001b[2J'))).toBe(1);
  const text = written.mock.calls.flat().join('');
  expect(text).toContain('error: the weight \\u001b[2Jx\n  Rename it.\n');
  expect(text).not.toContain('\u001b[2J');
});
