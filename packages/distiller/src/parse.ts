import { EspalierError, nearestName, shown } from '@espalier/core';
import { parseYaml, type Source } from '@espalier/yaml';
import { classes, type PolicyKind, policyArguments, policyKinds, type Section } from './classes.js';
import { Notes } from './notes.js';

type Tree = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];

/** A pruner, regularizer, quantizer, extension or learning-rate schedule as the file defines it. */
export interface Component {
  readonly section: Section;
  readonly name: string;
  readonly className: string;
  readonly args: Tree;
  readonly path: Path;
}

/** A component bound to epochs. */
export interface Policy {
  readonly kind: PolicyKind;
  readonly component: Component;
  readonly args: Tree;
  /** The epochs in which it acts, in order. */
  readonly epochs: readonly number[];
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Undefined for a list of epochs. */
  readonly every: number | undefined;
  readonly path: Path;
}

/** A Distiller schedule, checked. */
export interface DistillerSchedule {
  readonly components: readonly Component[];
  readonly policies: readonly Policy[];
  readonly notes: Notes;
  /** Throws what is wrong at a place of the file. */
  refuse(path: Path, message: string, key?: boolean): never;
}

/** No training takes longer; each of the epochs is looked at. */
export const mostEpochs = 100_000;

const isTree = (value: unknown): value is Tree =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const hint = (name: string, names: readonly string[]): string => {
  const near = nearestName(name, names);
  return near === undefined ? `Known: ${names.join(', ')}.` : `Did you mean '${near}'?`;
};

class Reader {
  readonly notes: Notes;
  readonly source: Source;

  constructor(source: Source) {
    this.source = source;
    this.notes = new Notes(source);
  }

  refuse = (path: Path, message: string, key = false): never => {
    throw new EspalierError('bad-recipe', `${this.source.locate(path, key)}: ${message}`);
  };

  component(section: Section, name: string, value: unknown): Component {
    const path = [section, name];
    if (!isTree(value)) return this.refuse(path, `'${name}' has no class.`, true);
    const { class: className, ...args } = value;
    const known = classes[section];
    if (typeof className !== 'string') return this.refuse(path, `'${name}' has no class.`, true);
    if (!Object.hasOwn(known, className)) {
      const elsewhere = Object.keys(classes).find((s) => Object.hasOwn(classes[s as Section], className));
      const what =
        elsewhere === undefined ? hint(className, Object.keys(known)) : `It is one of ${elsewhere}.`;
      this.refuse([...path, 'class'], `Distiller has no class '${className}' for ${section}. ${what}`);
    }
    const { needs, takes = [] } = known[className];
    for (const key of Object.keys(args)) {
      if (needs.includes(key) || takes.includes(key)) continue;
      const near = hint(key, [...needs, ...takes]);
      this.refuse([...path, key], `${className} takes no argument '${key}'. ${near}`, true);
    }
    const missing = needs.find((key) => args[key] === undefined || args[key] === null);
    if (missing !== undefined) this.refuse(path, `${className} needs '${missing}'.`, true);
    return { section, name, className, args, path };
  }

  policy(index: number, value: unknown, components: readonly Component[]): Policy {
    const path = ['policies', index];
    if (!isTree(value)) return this.refuse(path, 'this is not a policy.');
    const kinds = Object.keys(policyKinds) as PolicyKind[];
    const kind = kinds.find((k) => k in value);
    const known = [...kinds, 'epochs', 'starting_epoch', 'ending_epoch', 'frequency'];
    const others = Object.keys(value).filter((key) => !known.includes(key));
    if (kind === undefined) {
      return this.refuse(path, `this policy binds nothing. ${hint(others[0] ?? '', kinds)}`);
    }
    for (const key of others) {
      this.notes.add('lost', [...path, key], `Distiller ignores '${key}' here. ${hint(key, known)}`, true);
    }
    const two = kinds.find((k) => k in value && k !== kind);
    if (two !== undefined) {
      this.notes.add('lost', [...path, two], `Distiller reads only '${kind}' of this policy.`, true);
    }
    const binding = value[kind];
    if (!isTree(binding) || typeof binding.instance_name !== 'string') {
      return this.refuse([...path, kind], `'${kind}' has no instance_name.`, true);
    }
    const section = policyKinds[kind];
    const names = components.filter((c) => c.section === section).map((c) => c.name);
    const component = components.find((c) => c.section === section && c.name === binding.instance_name);
    if (component === undefined) {
      const where = [...path, kind, 'instance_name'];
      return this.refuse(
        where,
        `${section} has no '${binding.instance_name}'. ${hint(binding.instance_name, names)}`,
      );
    }
    for (const key of Object.keys(binding)) {
      if (key === 'instance_name' || key === 'args') continue;
      const near = hint(key, ['instance_name', 'args']);
      this.notes.add('lost', [...path, kind, key], `Distiller ignores '${key}' here. ${near}`, true);
    }
    const args = isTree(binding.args) ? binding.args : {};
    for (const key of Object.keys(args)) {
      if (policyArguments[kind].includes(key)) continue;
      const message = `a ${kind} policy has no argument '${key}'.`;
      const near = hint(key, policyArguments[kind]);
      // Distiller looks up the arguments of a pruner policy by name, but hands those of a regularizer on.
      if (kind === 'regularizer') this.refuse([...path, kind, 'args', key], `${message} ${near}`, true);
      const dropped = `${message} Distiller ignores it, and so does the recipe. ${near}`;
      this.notes.add('defect', [...path, kind, 'args', key], dropped, true);
    }
    return { kind, component, args, ...this.time(path, value), path };
  }

  time(path: Path, value: Tree): Pick<Policy, 'epochs' | 'start' | 'end' | 'every'> {
    const whole = (key: string): number => {
      const own = value[key];
      if (own === undefined) return this.refuse(path, `this policy has no '${key}'.`);
      if (!Number.isInteger(own) || (own as number) < 0 || (own as number) > mostEpochs) {
        return this.refuse(
          [...path, key],
          `${key} is ${shown(own)}: a whole number from 0 to ${mostEpochs} is wanted.`,
        );
      }
      return own as number;
    };
    const range = ['starting_epoch', 'ending_epoch', 'frequency'];
    if (value.epochs !== undefined) {
      const epochs = value.epochs;
      const good =
        Array.isArray(epochs) &&
        epochs.length > 0 &&
        epochs.every((e) => Number.isInteger(e) && e >= 0 && e <= mostEpochs);
      if (!good) {
        return this.refuse(
          [...path, 'epochs'],
          `epochs is not a list of whole numbers from 0 to ${mostEpochs}.`,
        );
      }
      for (const key of range.filter((k) => k in value)) {
        this.notes.add('lost', [...path, key], `Distiller ignores '${key}' where 'epochs' is given.`, true);
      }
      const sorted = [...new Set(epochs as number[])].sort((a, b) => a - b);
      return {
        epochs: sorted,
        start: (epochs as number[])[0],
        end: (epochs as number[]).at(-1)! + 1,
        every: undefined,
      };
    }
    const [start, end, every] = range.map(whole);
    if (end <= start)
      this.refuse([...path, 'ending_epoch'], `ending_epoch ${end} is not after starting_epoch ${start}.`);
    if (every < 1 || every > end - start) {
      this.refuse([...path, 'frequency'], `frequency is ${every}, for ${end - start} epochs.`);
    }
    const count = Math.ceil((end - start) / every);
    return { epochs: Array.from({ length: count }, (_, i) => start + i * every), start, end, every };
  }
}

/**
 * Reads a schedule as Distiller does, and more strictly: what Distiller would have refused is refused with its
 * place in the file, what it would have ignored is noted.
 *
 * @throws EspalierError `bad-recipe`
 */
export function parseSchedule(text: string, file: string): DistillerSchedule {
  // PyYAML lets a key stand twice and takes the last one.
  const { value: root, source } = parseYaml(text, file, { uniqueKeys: false, merge: true });
  const reader = new Reader(source);
  if (!isTree(root)) return reader.refuse([], 'this is not a Distiller schedule.');
  const sections = [...Object.keys(classes), 'policies', 'version'];
  for (const key of Object.keys(root)) {
    if (sections.includes(key)) continue;
    reader.notes.add('lost', [key], `Distiller ignores the section '${key}'. ${hint(key, sections)}`, true);
  }
  const components: Component[] = [];
  for (const section of Object.keys(classes) as Section[]) {
    const own = root[section];
    if (own === undefined || own === null) continue;
    if (!isTree(own)) return reader.refuse([section], `'${section}' is not a map of names.`);
    for (const [name, value] of Object.entries(own)) components.push(reader.component(section, name, value));
  }
  const quantizers = components.filter(({ section }) => section === 'quantizers');
  if (quantizers.length > 1) reader.refuse(quantizers[1].path, 'Distiller takes one quantizer only.', true);
  const list = root.policies ?? [];
  if (!Array.isArray(list)) return reader.refuse(['policies'], "'policies' is not a list.");
  const policies = list.map((value, i) => reader.policy(i, value, components));
  for (const component of components) {
    // A post-training quantizer is not scheduled: the command line applies it.
    if (component.className === 'PostTrainLinearQuantizer') continue;
    if (policies.some((policy) => policy.component === component)) continue;
    const what = `no policy uses '${component.name}' (${component.className}): it does nothing, and is left out.`;
    reader.notes.add('defect', component.path, what, true);
  }
  return { components, policies, notes: reader.notes, refuse: reader.refuse };
}
