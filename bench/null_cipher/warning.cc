// What wgu-tunnel-null says on standard error whenever it starts, at every log level. Not in main(), which is the real daemon's.

#include <cstdio>

namespace {

[[maybe_unused]] const int kWarned =
    std::fprintf(stderr, "wgu-tunnel-null: null cipher: NOT SECURE, for measurements only. Every packet is sent in the clear.\n");

}  // namespace
