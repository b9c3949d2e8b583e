import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { chosenFiles, droppedFiles, fetchedFiles } from '../files.js';
import type { Dropped } from '../work/open.js';

/** Where files are dropped, chosen, or named by an address. Anything dropped anywhere on the page counts. */
export function DropZone({
  onFiles,
  onError,
  small,
}: {
  onFiles: (files: Dropped[]) => void;
  onError: (error: Error) => void;
  small: boolean;
}): VNode {
  const [over, setOver] = useState(false);
  const [address, setAddress] = useState('');
  const take = useRef(onFiles);
  take.current = onFiles;
  const give = (files: Promise<Dropped[]>): void => {
    files.then((found) => found.length > 0 && take.current(found), onError);
  };
  useEffect(() => {
    const ends = new AbortController();
    const { signal } = ends;
    addEventListener(
      'dragover',
      (event) => {
        if (!event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        setOver(true);
      },
      { signal },
    );
    addEventListener('dragleave', (event) => event.relatedTarget === null && setOver(false), { signal });
    addEventListener(
      'drop',
      (event) => {
        setOver(false);
        // What is for the model that is open already says so.
        if (event.defaultPrevented || !event.dataTransfer) return;
        event.preventDefault();
        give(droppedFiles(event.dataTransfer));
      },
      { signal },
    );
    return () => ends.abort();
  }, []);
  const choose = (event: Event): void => {
    const { files } = event.currentTarget as HTMLInputElement;
    if (files) give(Promise.resolve(chosenFiles(files)));
  };
  return (
    <section class={`drop card${over ? ' over' : ''}${small ? ' small' : ''}`} aria-label="Give a model">
      {!small && (
        <>
          <p class="lead">Drop a model here</p>
          <p class="note">
            <code>model.json</code> with its shards, <code>.h5</code>, <code>.keras</code>,{' '}
            <code>.safetensors</code>, <code>.npy</code>, <code>.esp</code>; a folder of them.
          </p>
        </>
      )}
      <div class="choices">
        <label class="button">
          {small ? 'Another model' : 'Choose files'}
          <input type="file" multiple class="hidden-input" id="files" onChange={choose} />
        </label>
        <label class="button">
          Choose a folder
          <input
            type="file"
            class="hidden-input"
            id="folder"
            onChange={choose}
            ref={(input) => input?.setAttribute('webkitdirectory', '')}
          />
        </label>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            give(fetchedFiles(address));
          }}
        >
          <input
            type="text"
            inputMode="url"
            aria-label="Address of a model"
            placeholder="https://…/model.json"
            value={address}
            onInput={(event) => setAddress(event.currentTarget.value)}
          />
          <button type="submit" disabled={address.trim() === ''}>
            Fetch
          </button>
        </form>
      </div>
      <p class="promise">
        Nothing leaves this machine: the model is read and compressed in this page, whose content policy lets
        it ask for its own files alone.
      </p>
    </section>
  );
}
