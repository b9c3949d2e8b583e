/** What the command line in a schedule's comments says that the schedule itself does not. */
export interface Header {
  readonly epochs?: number;
  readonly learningRate?: number;
  readonly batchSize?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
  /** The data set, as far as its path tells. */
  readonly data?: string;
  /** Flags for things that schedules cannot say but that change training. */
  readonly flags: readonly string[];
}

const numbers: Readonly<Record<string, keyof Header>> = {
  '--epochs': 'epochs',
  '--lr': 'learningRate',
  '--learning-rate': 'learningRate',
  '-b': 'batchSize',
  '--batch': 'batchSize',
  '--batch-size': 'batchSize',
  '--momentum': 'momentum',
  '--wd': 'weightDecay',
  '--weight-decay': 'weightDecay',
};

const telling = /^--(kd-teacher|earlyexit_thresholds|earlyexit_lossweights|greedy|amc)/;

/** The commands in the comments; a line that ends in a backslash, or the next one begins with a flag, goes on. */
function commands(text: string): string[] {
  const comments = text
    .split('\n')
    .filter((line) => /^\s*#/.test(line))
    .map((line) => line.replace(/^\s*#+ ?/, ''))
    .join('\n')
    .replace(/\\\n|\n\s*(?=--[a-z])/g, ' ');
  return comments.split('\n').filter((line) => /\.py\b.*\s-/.test(line));
}

/**
 * Reads the command that most published schedules quote in their comments: the one with `--compress`, or else
 * the first. A flag that is given twice counts as it does on the command line: the last one holds.
 */
export function readHeader(text: string): Header {
  const all = commands(text);
  const command = all.find((line) => line.includes('--compress')) ?? all[0];
  if (command === undefined) return { flags: [] };
  const words = command.split(/[\s=]+/);
  const found: Record<string, number> = {};
  for (const [i, word] of words.entries()) {
    const key = numbers[word];
    const value = Number(words[i + 1]);
    if (key !== undefined && Number.isFinite(value)) found[key] = value;
  }
  const data = /data\.cifar|cifar10/i.test(command)
    ? 'cifar10'
    : /imagenet/i.test(command)
      ? 'imagenet'
      : undefined;
  return { ...found, ...(data && { data }), flags: words.filter((word) => telling.test(word)) };
}
