// Compiled with -mavx512f (see binding.gyp); called only where the processor has it.
#define TP_ROUNDING kRoundingAvx512
#define TP_LANES 16
#include "rounding.inl"
