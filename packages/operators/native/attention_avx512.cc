// Compiled with -mavx512f (see binding.gyp); called only where the processor has it.
#define TP_ATTEND AttendAvx512
#define TP_LANES 16
#define TP_ROWS 8
#include "attention.inl"
