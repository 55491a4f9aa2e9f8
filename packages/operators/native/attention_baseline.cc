// Instructions that every processor of the architecture has.
#define TP_ATTEND AttendBaseline
#define TP_LANES 4
#define TP_ROWS 4
#include "attention.inl"
