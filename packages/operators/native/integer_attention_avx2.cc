// Compiled with -mavx2 -mfma (see binding.gyp); called only where the processor has both.
#define TP_ATTEND_INTEGERS AttendIntegersAvx2
#define TP_LANES 8
#define TP_ROWS 4
#include "integer_attention.inl"
