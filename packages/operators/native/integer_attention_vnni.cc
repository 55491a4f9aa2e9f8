// Compiled with -mavx512bw -mavx512vnni (see binding.gyp); called only where the processor has both.
#define TP_ATTEND_INTEGERS AttendIntegersVnni
#define TP_LANES 16
#define TP_ROWS 8
#include "integer_attention.inl"
