// `SEPARATE` functions round products and sums one by one, as TensorFlow does: they come to the same bits wherever they are compiled.

#pragma once

#if defined(__GNUC__) && !defined(__clang__)
#define SEPARATE __attribute__((optimize("fp-contract=off")))
#else
#define SEPARATE
#pragma STDC FP_CONTRACT OFF
#endif
