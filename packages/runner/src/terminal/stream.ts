import { stripVTControlCharacters } from 'node:util';
import { visible } from '@espalier/report';
import pc from 'picocolors';

type Stream = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean };
type Colors = ReturnType<typeof pc.createColors>;

/** May the stream be sent escape sequences? Not a pipe, nor where `NO_COLOR` or a dumb terminal asks for plain text. */
export function escapes(stream: Stream): boolean {
  const { NO_COLOR = '', TERM } = process.env;
  return stream.isTTY === true && NO_COLOR === '' && TERM !== 'dumb';
}

/** Colours for a stream; functions that change nothing where it is to stay plain. */
export function colorsOf(stream: Stream): Colors {
  return pc.createColors(escapes(stream));
}

/** A part of a line: text, or text and how it is painted. */
export type Part = string | readonly [paint: (text: string) => string, text: string];

/**
 * The one way to a terminal: whatever is in the text, from a file perhaps, is made visible; only our own paint is sent
 * as it is.
 */
export function write(stream: Stream, ...parts: readonly Part[]): void {
  const text = parts.map((part) => (typeof part === 'string' ? visible(part) : part[0](visible(part[1]))));
  stream.write(text.join(''));
}

/** Writes on stdout. */
export function print(text: string): void {
  write(process.stdout, text);
}

/** Writes on stderr. */
export function tell(text: string): void {
  write(process.stderr, text);
}

/** Writes text of our own that is painted already, plain where the stream wants no paint. */
export function printPainted(text: string): void {
  process.stdout.write(escapes(process.stdout) ? text : stripVTControlCharacters(text));
}

/**
 * Goes on where nobody reads any more (`espalier run … | head -1`) or a disk is full: what is written is lost, what is computed
 * is not. A loss that nobody asked for makes an exit code of 1.
 */
export function surviveStreams(): void {
  const listen = (stream: NodeJS.WriteStream, lost: (code?: string) => void): void => {
    let first = true;
    stream.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || !first) return;
      first = false;
      process.exitCode ||= 1;
      lost(code);
    });
  };
  listen(process.stdout, (code) =>
    tell(`error: standard output cannot be written (${code}); it is not whole.\n`),
  );
  listen(process.stderr, () => {});
}
