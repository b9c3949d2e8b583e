import { formatCount } from '@espalier/report';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Layer } from '../work/layers.js';
import { Html } from './html.js';

/** So many are listed at a time: a model may have thousands. */
const step = 40;

function Pictures({
  names,
  pictureOf,
}: {
  names: readonly string[];
  pictureOf: (name: string) => Promise<string>;
}): VNode {
  const [drawn, setDrawn] = useState<readonly string[]>();
  useEffect(() => {
    let here = true;
    void Promise.all(names.map(pictureOf)).then(
      (all) => here && setDrawn(all.filter(Boolean)),
      () => here && setDrawn([]),
    );
    return () => {
      here = false;
    };
  }, [names, pictureOf]);
  if (!drawn)
    return <p class="note">looking at {names.length === 1 ? 'a tensor' : `${names.length} tensors`}…</p>;
  return (
    <div class="pictures">
      {drawn.map((source, i) => (
        <Html key={names[i]} source={source} />
      ))}
    </div>
  );
}

function weightsOf(layer: Layer): number {
  return layer.tensors.length + layer.layers.reduce((sum, inner) => sum + weightsOf(inner), 0);
}

function Item({ layer, pictureOf }: { layer: Layer; pictureOf: (name: string) => Promise<string> }): VNode {
  const [open, setOpen] = useState(false);
  const tensors = weightsOf(layer);
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span class="layer-name">{layer.name}</span> <span class="layer-type">{layer.type}</span>
          {tensors > 0 && (
            <span class="layer-count">
              {formatCount(tensors)} {tensors === 1 ? 'tensor' : 'tensors'}
            </span>
          )}
        </summary>
        {open && (
          <div class="inside">
            {(layer.from.length > 0 || layer.settings.length > 0) && (
              <dl>
                {layer.from.length > 0 && (
                  <>
                    <dt>reads</dt>
                    <dd>{layer.from.join(', ')}</dd>
                  </>
                )}
                {layer.settings.map(([name, value]) => (
                  <>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                  </>
                ))}
              </dl>
            )}
            {layer.tensors.length > 0 && <Pictures names={layer.tensors} pictureOf={pictureOf} />}
            {layer.layers.length > 0 && <LayerTree layers={layer.layers} pictureOf={pictureOf} />}
          </div>
        )}
      </details>
    </li>
  );
}

/** What a model is built of, each part to be unfolded. */
export function LayerTree({
  layers,
  pictureOf,
}: {
  layers: readonly Layer[];
  pictureOf: (name: string) => Promise<string>;
}): VNode {
  const [shown, setShown] = useState(step);
  return (
    <>
      <ol class="layers">
        {layers.slice(0, shown).map((layer, i) => (
          <Item key={`${i} ${layer.name}`} layer={layer} pictureOf={pictureOf} />
        ))}
      </ol>
      {layers.length > shown && (
        <button type="button" onClick={() => setShown(shown + 5 * step)}>
          {layers.length - shown} more
        </button>
      )}
    </>
  );
}
