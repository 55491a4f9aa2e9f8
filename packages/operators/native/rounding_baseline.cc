// Instructions that every processor of the architecture has.
#define TP_ROUNDING kRoundingBaseline
#define TP_LANES 4
#include "rounding.inl"
