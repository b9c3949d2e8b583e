import { EspalierError, nearestName, type Parameter } from '@espalier/core';

/** Turns PyTorch's names of weights into parameter names. */
export interface Names {
  /** The parameter of a PyTorch weight, for example `conv1/kernel` of `module.conv1.weight`. */
  parameter(torch: string): string;
  /** The layer of a PyTorch module. */
  layer(torch: string): string;
  /** Is there such a layer, as far as is known? */
  hasLayer(name: string): boolean | undefined;
  /** The trainable parameters of the model, if there is one. */
  readonly all: readonly string[] | undefined;
  /** Pairs that were matched by their order alone: somebody should look at them. */
  readonly byOrder: ReadonlyMap<string, string>;
}

/** `module.` in front and in between is what DataParallel adds. */
export function withoutModule(name: string): string {
  return name.replace(/^module\./, '').replaceAll('.module.', '.');
}

/** Splits `layer1.0.bn1.weight` into its module and the name of the tensor. */
function split(torch: string): [module: string, tensor: string] {
  const clean = withoutModule(torch);
  const dot = clean.lastIndexOf('.');
  return dot === -1 ? ['', clean] : [clean.slice(0, dot), clean.slice(dot + 1)];
}

const isNorm = (module: string): boolean => /(^|[._])(bn|norm|batchnorm)\d*$|downsample\.1$/i.test(module);
const isEmbedding = (module: string): boolean => /(^|[._])(encoder|embed(ding|dings)?|wte)$/i.test(module);

/** What a weight is called here, by the rules of PyTorch's and TF.js's own names. */
function byRule(torch: string): string {
  const [module, tensor] = split(torch);
  const recurrent = /^(weight|bias)_(ih|hh)_l(\d+)(_reverse)?$/.exec(tensor);
  if (recurrent !== null) {
    const [, what, side, layer, reverse = ''] = recurrent;
    const role = what === 'bias' ? 'bias' : side === 'hh' ? 'recurrent_kernel' : 'kernel';
    return `${module}_l${layer}${reverse}/${role}`;
  }
  // Distiller's own LSTM keeps its gates in two linear layers per cell.
  const cell = /^(.*)\.cells\.(\d+)\.fc_gate_(x|h)$/.exec(module);
  if (cell !== null) {
    const [, rnn, layer, side] = cell;
    const role = tensor === 'bias' ? 'bias' : side === 'h' ? 'recurrent_kernel' : 'kernel';
    return `${rnn}_l${layer}/${role}`;
  }
  if (tensor === 'weight') {
    return `${module}/${isNorm(module) ? 'gamma' : isEmbedding(module) ? 'embeddings' : 'kernel'}`;
  }
  if (tensor === 'bias') return `${module}/${isNorm(module) ? 'beta' : 'bias'}`;
  return module === '' ? tensor : `${module}/${tensor}`;
}

/** Names that differ in case, dots, dashes, underscores and slashes alone are the same. */
const canonical = (name: string): string => name.toLowerCase().replace(/[./_-]+/g, '.');
const layerOf = (parameter: string): string => parameter.slice(0, parameter.lastIndexOf('/'));

const weightRoles = ['kernel', 'depthwise', 'recurrent', 'embedding'];

/** Stems come before blocks, blocks before recurrent layers, classifiers last; numbers count as numbers. */
function inNetworkOrder(a: string, b: string): number {
  const rank = (name: string): number => {
    const first = withoutModule(name).split('.')[0].toLowerCase();
    if (/^(classifier|fc\d*|linear\d*|dense\d*|decoder|head|out)$/.test(first)) return 3;
    if (/^(rnn|lstm|gru)/.test(first)) return 2;
    return /^(layer|block|stage)/.test(first) ? 1 : 0;
  };
  const order = rank(a) - rank(b);
  return order !== 0 ? order : withoutModule(a).localeCompare(withoutModule(b), 'en', { numeric: true });
}

export interface NameSources {
  /** From PyTorch's to our names, or PyTorch's names in the order of the model. */
  readonly table?: Readonly<Record<string, string>> | readonly string[];
  /** All parameters of the model. */
  readonly parameters?: readonly Parameter[];
  /** Every name the schedule uses. */
  readonly used: readonly string[];
}

function refuse(message: string, remedy: string): never {
  throw new EspalierError('unknown-name', message, { remedy });
}

/** Pairs a list of PyTorch names with the parameters of the model, one by one. */
function zip(list: readonly string[], parameters: readonly Parameter[]): Map<string, string> {
  const trainable = parameters.filter((p) => p.trainable);
  const weights = trainable.filter((p) => weightRoles.includes(p.role));
  const to = [weights, trainable, parameters].find(({ length }) => length === list.length);
  if (to === undefined) {
    return refuse(
      `The table lists ${list.length} names; the model has ${weights.length} weights, ${trainable.length} with biases and norms.`,
      'List every weight of the model in its order, or write the table as a map of names.',
    );
  }
  return new Map(list.map((name, i) => [withoutModule(name), to[i].name]));
}

/** Looks for the parameters of a model by name, then, when nothing fits but the number, by order. */
function search(
  used: readonly string[],
  parameters: readonly Parameter[],
  byOrder: Map<string, string>,
): Map<string, string> {
  const found = new Map<string, string>();
  const missing: string[] = [];
  for (const name of used) {
    const rule = byRule(name);
    const own = parameters.filter((p) => canonical(layerOf(p.name)) === canonical(layerOf(rule)));
    const exact = own.find((p) => canonical(p.name) === canonical(rule));
    // The same layer may be an embedding or depthwise: what PyTorch calls weight is its first tensor.
    const first = /\.weight$/.test(name) ? own[0] : undefined;
    const hit = exact ?? first;
    if (hit === undefined) missing.push(name);
    else found.set(name, hit.name);
  }
  if (missing.length === 0) return found;
  const weights = parameters.filter((p) => p.trainable && weightRoles.includes(p.role));
  const names = used.filter((name) => /weight(_[ih]h_l\d+)?$/.test(name));
  if (found.size === 0 && names.length === used.length && names.length === weights.length) {
    for (const [i, name] of [...names].sort(inNetworkOrder).entries()) {
      found.set(name, weights[i].name);
      byOrder.set(name, weights[i].name);
    }
    return found;
  }
  const near = nearestName(
    byRule(missing[0]),
    parameters.map((p) => p.name),
  );
  return refuse(
    `The model has no parameter for ${missing.join(', ')}.`,
    `${near === undefined ? '' : `The nearest is '${near}'. `}Give --names table.yaml: either a line '${missing[0]}: layer/kernel' for each, or the list of all ${weights.length} weights of the PyTorch model in order. The model has ${weights.map((p) => p.name).join(', ')}.`,
  );
}

/**
 * Names by a table, by a model, or by rule: `conv1.weight` is `conv1/kernel`, `rnn.weight_hh_l0` is
 * `rnn_l0/recurrent_kernel`; `module.` is left out.
 *
 * @throws EspalierError `unknown-name` when the model lacks a parameter
 */
export function namesOf({ table, parameters, used }: NameSources): Names {
  const unique = [...new Set(used.map(withoutModule))];
  const byOrder = new Map<string, string>();
  const known = new Map<string, string>();
  const all = parameters?.map((p) => p.name);
  if (Array.isArray(table)) {
    if (parameters === undefined)
      refuse('A list of names needs a model to go by.', 'Add --model model.json.');
    for (const [from, to] of zip(table, parameters)) known.set(from, to);
  } else if (table !== undefined) {
    for (const [from, to] of Object.entries(table)) {
      if (all !== undefined && !all.includes(to)) {
        const near = nearestName(to, all);
        refuse(
          `The table says ${to}, which the model does not have.`,
          near === undefined ? `It has ${all.join(', ')}.` : `Did you mean '${near}'?`,
        );
      }
      known.set(withoutModule(from), to);
    }
  }
  if (parameters !== undefined) {
    const rest = unique.filter((name) => !known.has(name));
    if (rest.length > 0) for (const [from, to] of search(rest, parameters, byOrder)) known.set(from, to);
  }
  const layers = parameters && new Set(parameters.map((p) => layerOf(p.name)));
  return {
    parameter: (torch) => known.get(withoutModule(torch)) ?? byRule(torch),
    layer(torch) {
      const clean = withoutModule(torch);
      for (const [from, to] of known) if (split(from)[0] === clean) return layerOf(to);
      const same = [...(layers ?? [])].find((layer) => canonical(layer) === canonical(clean));
      return same ?? clean;
    },
    hasLayer: (name) => layers?.has(name),
    all: parameters?.filter((p) => p.trainable).map((p) => p.name),
    byOrder,
  };
}
