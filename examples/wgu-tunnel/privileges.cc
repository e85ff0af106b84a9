#include "privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace {

constexpr std::uint64_t kKept = 1ULL << CAP_NET_ADMIN | 1ULL << CAP_NET_BIND_SERVICE;

wgu::Error failed(const char* call) { return {errno, std::string(call) + ": " + std::strerror(errno)}; }

}  // namespace

wgu::Result<void> drop_privileges(bool keeps_real_time) {
  const std::uint64_t kept = kKept | (keeps_real_time ? 1ULL << CAP_SYS_NICE : 0);
  // The bounding set first, while CAP_SETPCAP is still there; EINVAL ends the list of the capabilities that this kernel knows.
  for (int capability = 0; capability < 64; ++capability) {
    if ((kept >> capability & 1) == 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) break;
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) != 0) return failed("capget");
  for (int word = 0; word < 2; ++word) {
    sets[word].permitted &= static_cast<std::uint32_t>(kept >> (32 * word));
    sets[word].effective = sets[word].permitted;
    sets[word].inheritable = 0;
  }
  if (syscall(SYS_capset, &header, sets) != 0) return failed("capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("dumpable");
  return {};
}
