import { renameLayer } from '@espalier/codec';
import { isModel, type LayerJson, layersOf } from './topology.js';

/** A place for a weight in a model of TF.js. */
export interface Slot {
  /** The name under which TF.js looks for it. */
  readonly name: string;
  /** What it is to its layer: `kernel`, `moving_mean`, … */
  readonly role: string;
  /** The layers it is in, by Keras' names, the model's own first. */
  readonly scope: readonly string[];
  /** Whether Keras counts it among what is trained, which it writes first. */
  readonly trained: boolean;
  /** Where a file of Keras 3 has it: `layers/dense_1/vars/0`. */
  readonly path: string;
}

const biased = (c: LayerJson['config'], ...roles: string[]): string[] =>
  c.use_bias === false ? roles : [...roles, 'bias'];
const scaled = (c: LayerJson['config']): string[] => [
  ...(c.scale === false ? [] : ['gamma']),
  ...(c.center === false ? [] : ['beta']),
];

/** The weights of each layer in their order, by its settings. Layers that are not here have none. */
const roles: Readonly<Record<string, (config: LayerJson['config']) => string[]>> = {
  Dense: (c) => biased(c, 'kernel'),
  Conv1D: (c) => biased(c, 'kernel'),
  Conv2D: (c) => biased(c, 'kernel'),
  Conv3D: (c) => biased(c, 'kernel'),
  Conv2DTranspose: (c) => biased(c, 'kernel'),
  Conv3DTranspose: (c) => biased(c, 'kernel'),
  DepthwiseConv2D: (c) => biased(c, 'depthwise_kernel'),
  SeparableConv2D: (c) => biased(c, 'depthwise_kernel', 'pointwise_kernel'),
  BatchNormalization: (c) => [...scaled(c), 'moving_mean', 'moving_variance'],
  LayerNormalization: scaled,
  Embedding: () => ['embeddings'],
  PReLU: () => ['alpha'],
};

/** These keep their weights in a cell of their own. */
const recurrent = ['SimpleRNN', 'LSTM', 'GRU', 'ConvLSTM2D'];
const cellRoles = (c: LayerJson['config']): string[] => biased(c, 'kernel', 'recurrent_kernel');

/** As Keras 3 names the folder of a layer, after its class. */
function snakeCase(className: string): string {
  return className
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** Folders of a list of layers: the class, and a number from the second on. */
function foldersOf(layers: readonly LayerJson[]): string[] {
  const used = new Map<string, number>();
  return layers.map(({ class_name: className }) => {
    const folder = snakeCase(className);
    const count = used.get(folder) ?? 0;
    used.set(folder, count + 1);
    return count === 0 ? folder : `${folder}_${count}`;
  });
}

const nameOf = ({ config, name }: LayerJson): string => String(config.name ?? name ?? '');

/**
 * The places for weights of each layer of a model, in order. Layers within models that TF.js could not tell apart by their names
 * are renamed in `model`, for TF.js leaves out the models' own names.
 */
export function slotsOf(model: LayerJson): readonly (readonly Slot[])[] {
  const taken = new Set<string>();
  /** A name for a layer with weights that no other one has. */
  const unique = (layer: LayerJson, parent: LayerJson, scope: readonly string[]): string => {
    const own = nameOf(layer);
    let name = own;
    for (let i = scope.length - 1; taken.has(name) && i >= 0; i--) name = `${scope[i]}_${name}`;
    for (let i = 1; taken.has(name); i++) name = `${own}_${i}`;
    taken.add(name);
    if (name !== own) renameLayer(parent, layer, name);
    return name;
  };
  const leaf = (
    layer: LayerJson,
    prefix: string,
    scope: readonly string[],
    path: string,
    trained: boolean,
  ): Slot[] => {
    const { class_name: className, config } = layer;
    const mine = trained && config.trainable !== false;
    const make = (names: readonly string[], at: string, where: string, cell: string[] = []): Slot[] =>
      names.map((role, i) => ({
        name: `${at}/${role}`,
        role,
        scope: [...scope, ...cell],
        trained: mine && !role.startsWith('moving_'),
        path: `${where}/${i}`,
      }));
    if (recurrent.includes(className)) return make(cellRoles(config), prefix, `${path}cell/vars`);
    if (className === 'RNN') {
      const cell = config.cell as unknown as LayerJson;
      const cells = cell.config.cells as unknown as LayerJson[] | undefined;
      if (cells === undefined) return make(cellRoles(cell.config), prefix, `${path}cell/vars`);
      const folders = foldersOf(cells);
      return cells.flatMap((one, i) =>
        make(cellRoles(one.config), `${prefix}/RNNCell_${i}`, `${path}cell/cells/${folders[i]}/vars`, [
          nameOf(one),
        ]),
      );
    }
    return make(Object.hasOwn(roles, className) ? roles[className](config) : [], prefix, `${path}vars`);
  };
  const walk = (
    layer: LayerJson,
    parent: LayerJson,
    scope: readonly string[],
    path: string,
    trained: boolean,
  ): Slot[] => {
    if (isModel(layer)) return inside(layer, scope, path, trained).flat();
    const own = [...scope, nameOf(layer)];
    const mine = trained && layer.config.trainable !== false;
    const inner = layer.config.layer as unknown as LayerJson | undefined;
    if (layer.class_name === 'TimeDistributed' && inner && isModel(inner)) {
      return inside(inner, own, `${path}layer/`, mine).flat();
    }
    if (leaf(inner ?? layer, '', own, '', true).length === 0) return [];
    const name = unique(layer, parent, scope);
    if (layer.class_name === 'TimeDistributed' && inner) return leaf(inner, name, own, `${path}layer/`, mine);
    if (layer.class_name === 'Bidirectional' && inner) {
      return ['forward', 'backward'].flatMap((way) => {
        const called = `${way}_${nameOf(inner)}`;
        return leaf(inner, `${name}/${called}`, [...own, called], `${path}${way}_layer/`, mine);
      });
    }
    return leaf(layer, name, own, path, trained);
  };
  const inside = (
    container: LayerJson,
    outer: readonly string[],
    path: string,
    trained: boolean,
  ): (readonly Slot[])[] => {
    const layers = layersOf(container);
    const folders = foldersOf(layers);
    const scope = [...outer, nameOf(container)];
    const mine = trained && container.config.trainable !== false;
    return layers.map((layer, i) => walk(layer, container, scope, `${path}layers/${folders[i]}/`, mine));
  };
  return inside(model, [], '', true);
}
