import { runCommand } from 'citty';
import { vi } from 'vitest';

/** Runs a command in this process; what it printed on stdout. Nothing reaches the terminal. */
export async function printed(command: unknown, rawArgs: string[]): Promise<string> {
  const lines: string[] = [];
  const spies = [process.stdout, process.stderr].map((stream, i) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => i === 1 || lines.push(String(text)) > 0),
  );
  try {
    await runCommand(command as never, { rawArgs });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return lines.join('');
}
