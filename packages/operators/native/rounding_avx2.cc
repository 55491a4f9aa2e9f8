// Compiled with -mavx2 -mfma (see binding.gyp); called only where the processor has both.
#define TP_ROUNDING kRoundingAvx2
#define TP_LANES 8
#include "rounding.inl"
