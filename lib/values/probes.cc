// The probes' semaphores. Tracers find them by the notes, in a section of their own, and write them from outside the process: they are the
// one thing here that is global and changes.
#include "values/probes.h"

#ifdef WGU_PROBE_SEMAPHORES
#define WGU_DEFINE_PROBE(name) __attribute__((section(".probes"), used)) volatile unsigned short wgu_##name##_semaphore = 0;
extern "C" {
WGU_FOR_EACH_PROBE(WGU_DEFINE_PROBE)
}
#undef WGU_DEFINE_PROBE
#endif
