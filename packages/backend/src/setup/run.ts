import { spawn } from 'node:child_process';

/** How a child process ended. */
export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The program could not be started at all. */
  readonly missing: boolean;
}

/** What `run` may be told. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds after which the child is killed. */
  readonly timeout?: number;
  /** Asked every second; true kills the child. */
  readonly giveUp?: () => boolean;
}

/** Runs a program to its end and keeps what it printed. Never rejects: a missing program is a result. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    const timer = options.timeout ? setTimeout(() => child.kill('SIGKILL'), options.timeout) : undefined;
    const watch = options.giveUp
      ? setInterval(() => options.giveUp?.() && child.kill('SIGKILL'), 1000)
      : undefined;
    const finish = (code: number | null, missing: boolean): void => {
      clearTimeout(timer);
      clearInterval(watch);
      resolve({ code, stdout, stderr, missing });
    };
    child.on('error', () => finish(null, true));
    child.on('close', (code) => finish(code, false));
  });
}

/** The last non-empty line of some output, for messages. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
