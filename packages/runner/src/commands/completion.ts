import { unknownName } from '@espalier/core';
import { type ArgsDef, type CommandDef, defineCommand } from 'citty';
import { print } from '../terminal/stream.js';
import { checkArguments } from './common.js';

/** How commands are loaded, by their names. */
export type Commands = Readonly<Record<string, () => Promise<{ readonly default: unknown }>>>;

/** A command as a shell knows it. */
interface Known {
  readonly name: string;
  readonly about: string;
  readonly options: readonly { readonly name: string; readonly about: string; readonly takes: boolean }[];
}

async function knownOf(commands: Commands): Promise<Known[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, load]) => {
      const { meta, args } = (await load()).default as CommandDef;
      const about = ((meta ?? {}) as { description?: string }).description ?? '';
      const options = Object.entries((args ?? {}) as ArgsDef).flatMap(
        ([option, { type, description = '' }]) =>
          type === 'positional' ? [] : [{ name: option, about: description, takes: type !== 'boolean' }],
      );
      return { name, about, options: [...options, { name: 'help', about: 'What it does', takes: false }] };
    }),
  );
}

/** In single quotes, for all three shells: no description breaks out of them. */
const quoted = (text: string): string =>
  `'${text.replaceAll("'", '’').replaceAll('\\', '/').replace(/\s+/g, ' ')}'`;

function bash(known: readonly Known[]): string {
  const cases = known.map(
    ({ name, options }) => `    ${name}) words="${options.map((option) => `--${option.name}`).join(' ')}" ;;`,
  );
  return `_espalier() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${known.map(({ name }) => name).join(' ')}" -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _espalier espalier
`;
}

const zsh = (known: readonly Known[]): string =>
  `autoload -U +X bashcompinit && bashcompinit\n${bash(known)}`;

function fish(known: readonly Known[]): string {
  const lines = known.flatMap(({ name, about, options }) => [
    `complete -c espalier -n __fish_use_subcommand -f -a ${name} -d ${quoted(about)}`,
    ...options.map(
      (option) =>
        `complete -c espalier -n '__fish_seen_subcommand_from ${name}' -l ${option.name}${option.takes ? ' -r' : ''} -d ${quoted(option.about)}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}

const shells: Readonly<Record<string, (known: readonly Known[]) => string>> = { bash, zsh, fish };

const args = {
  shell: { type: 'positional', required: true, description: 'bash, zsh or fish' },
} as const;

/** Shown by --help. */
export const example = 'source <(espalier completion bash)';

export default defineCommand({
  meta: { name: 'completion', description: 'What a shell needs to complete commands and options.' },
  args,
  async run({ args: given, data }) {
    checkArguments(given, args);
    if (!Object.hasOwn(shells, given.shell)) throw unknownName('shell', given.shell, Object.keys(shells));
    print(shells[given.shell](await knownOf(data as Commands)));
  },
});
