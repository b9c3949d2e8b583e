import type { CodecName } from '../container/format.js';

/** What the search may do. */
export interface Search {
  /** 0 to 9. */
  effort: number;
  /** Whether there is time to try something else. */
  more: () => boolean;
  /** 'size': the smallest form; 'balance': a faster one when it is hardly larger. */
  prefer: 'balance' | 'size';
  /** Codecs to choose from. */
  codecs: readonly CodecName[];
  /** Most elements of a tile. */
  tileElements: number;
}
