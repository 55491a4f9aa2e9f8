// Memory that nothing uses any more.
#pragma once

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace tp {

/// Gives the system back what freed models have taken. glibc keeps it in the arena of the thread that asked for it, and every crew
/// has threads of its own, so a process that loads its models again and again would only grow.
inline void ReturnFreedMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace tp
