import { spawnSync } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { espalier } from './fixtures.js';

// Each call loads every command.
vi.setConfig({ testTimeout: 240_000 });

const asks = (line: string, script: string): string[] => {
  const words = line.split(' ');
  const program = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _espalier; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status } = spawnSync('bash', ['-c', program], { encoding: 'utf8' });
  expect(status).toBe(0);
  return stdout.trim().split('\n');
};

describe('espalier completion', () => {
  it.skipIf(spawnSync('bash', ['-c', 'type compgen']).status !== 0)(
    'completes commands and their options in bash',
    async () => {
      const { stdout, code } = await espalier(['completion', 'bash']);
      expect(code).toBe(0);
      expect(asks('espalier com', stdout).sort()).toEqual(['completion', 'compress']);
      expect(asks('espalier compress --qual', stdout)).toEqual(['--quality']);
      expect(asks('espalier run --res', stdout)).toEqual(['--resume']);
      expect(asks('espalier run --qual', stdout)).toEqual(['']);
    },
  );

  it('has as much for zsh and fish, and names the nearest shell', async () => {
    expect((await espalier(['completion', 'zsh'])).stdout).toContain('bashcompinit');
    const { stdout } = await espalier(['completion', 'fish']);
    expect(stdout).toMatch(/^complete -c espalier -n '__fish_seen_subcommand_from run' -l resume -d '/m);
    // An apostrophe would end a text.
    for (const line of stdout.trim().split('\n')) expect((line.match(/'/g) ?? []).length % 2).toBe(0);
    const { code, stderr } = await espalier(['completion', 'fihs']);
    expect(code).toBe(2);
    expect(stderr).toContain("Did you mean 'fish'?");
  });
});
