/*
 * Numbers of the format. In a module of their own, which holds nothing else, bundlers write them where they are used: so
 * a decoder is smaller.
 */

/** Length of the fixed part, before the variable header. */
export const FIXED_BYTES = 26;
export const MAJOR = 1;
export const MINOR = 1;
/** Of the required features: the text is in its second form. */
export const SECOND_FORM = 8;
/** And: the file is in its small form, whose fixed part is shorter; as it was first, then, and as it is written. */
export const FIRST_SMALL = 16;
export const SECOND_SMALL = 32;
export const SMALL_FORM = 64;
export const SMALL_MINOR = 4;
export const SMALL_BYTES = 20;
/** Most bytes of a file in its small form, and of what its header says. */
export const MAX_SMALL = 65535;

/** Number of the first codec of levels: those before it have none. */
export const LEVELS = 5;
/** And of ctx-mix. */
export const CTX_MIX = 7;
/** In the text of the small form, what stands for the width of a layer, which is the last size of its kernel. */
export const WIDTH = '\x01';
/** Of the tuning: levels are coded as the few of a small net are. In the small form of a file, of tensors of fewer elements than MANY. */
export const FEW = 1024;
export const MANY = 16384;

/**
 * No payload may stand for more elements than this many a byte, plus {@link TILE_ALLOWANCE} a tile: a bit
 * costs at least log2(65536 / 65521), and two bytes at the end are not stored.
 */
export const MAX_EXPANSION = 32768;
export const TILE_ALLOWANCE = 131072;

/** Most distinct values that a list of values may hold. */
export const MAX_BOOK = 4096;
/** Most levels that computed books (integers, steps) may span. */
export const MAX_LEVELS = 65536;
/** Most that the exponents of an element may add up to: a factor of 2^30. */
export const MAX_EXPONENT = 120;
/** Longest axis along which steps may differ, and most terms of predictions: 2^20. */
export const MAX_NUMBERS = 1048576;

/** A bordered row may not be longer (2^19), nor rows more (2^20), than this: it bounds a decoder's memory. */
export const MAX_ROW = 524288;
export const MAX_ROWS = 1048576;

/** How many bytes a range decoder reads beyond the end of a payload, whatever they are. */
export const AHEAD = 2;

/** How deep the topology and the metadata may be nested. */
export const MAX_DEPTH = 1000;

/** Flags per magnitude before the remainder is written in Exp-Golomb form. */
export const UNARY = 14;
/** Longest prefix of an Exp-Golomb remainder. */
export const MAX_PREFIX = 24;

/** Longest copy of LZ: bounds how many elements a byte can stand for. */
export const MAX_COPY = 4096;
/** Largest distance of LZ: 2^24. */
export const MAX_DISTANCE = 16777216;
/** Where the parts of LZ's states lie. */
export const AGAIN = 16;
export const LENGTHS = 18;
export const DISTANCES = 70;
export const LITERALS = 148;
/** Beyond them those of lengths in the text's second form. */
export const TREES = 4244;

export const RANS_BITS = 12;
/** 2^12: what frequencies add up to. */
export const RANS_SIZE = 4096;
/** States of rANS stay in [2^15, 2^31). */
export const RANS_LOW = 32768;

/** Where the tables of the context coders end, see levels/tables.ts. */
export const OWN = 13473;

/** Elements that the tail of the mixing coder needs in the array of tables: 3 weights, at first 26000, then states. */
export const TAIL_SIZE = 231;
/** The states: of the sign by a weighted sum of seven signs, by four signs (by position: elsewhere). */
export const SUM = 3;
export const FOUR = 22;
/** And of "larger than k" by the largest of three neighbours. */
export const LARGEST = 103;
