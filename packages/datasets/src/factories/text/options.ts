import type { Shares } from '../../divide.js';
import type { Parted } from '../../parted.js';
import type { Unit } from './vocabulary.js';

/** Options of `fromText`. */
export interface TextOptions extends Omit<Shares, 'seed'> {
  /**
   * A `.jsonl`, `.csv` or `.tsv` file, or a folder with a folder of `.txt` files for each class: texts to be classified. A `.txt`
   * file: its next character or word is to be predicted. Or one for each part.
   */
  readonly text: Parted<string>;
  /** The key or column that holds the text. Default `text`. */
  readonly field?: string;
  /** The key or column that holds the class. Default `label`. */
  readonly label?: string;
  /** Of a table: the sign between cells. Default ','; of a `.tsv`, the tabulator. */
  readonly delimiter?: string;
  /** What a text is made of. Default `word`; of a `.txt`, `character`. */
  readonly unit?: Unit;
  /** Words or characters of an example: longer ones are cut off, shorter ones filled up with 0. Default 128; of a `.txt`, 64. */
  readonly length?: number;
  /** Most entries of the vocabulary, the most frequent ones of the training split. Default 10000; of a `.txt`, 2000. */
  readonly words?: number;
}
