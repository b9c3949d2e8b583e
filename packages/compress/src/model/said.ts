/** What JavaScript says where a program did not expect something, which tells nothing to whoever has the model. */
const inner =
  /^(Cannot (read|set|create|convert|destructure|use)|undefined |null )|is not (a function|a constructor|iterable|an object)|of (undefined|null)\b/;

/** What TensorFlow.js says, in one line. */
export function said(cause: unknown): string {
  const { name, message } = (cause ?? {}) as Partial<Error>;
  const [line] = String(message ?? cause).split('\n');
  if (name === 'RangeError' && line.includes('call stack')) return 'it is nested too deep';
  if (name === 'RangeError') return `it asks for more memory than there is (${line})`;
  if (inner.test(line)) {
    return 'something in it is missing, or of another kind than TensorFlow.js writes and reads';
  }
  return line.slice(0, 300);
}
