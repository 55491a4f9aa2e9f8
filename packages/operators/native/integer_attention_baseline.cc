// Instructions that every processor of the architecture has.
#define TP_ATTEND_INTEGERS AttendIntegersBaseline
#define TP_LANES 4
#define TP_ROWS 4
#include "integer_attention.inl"
