#include "bench/lab/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>

#include "bench/lab/link.h"
#include "io/system_error.h"

namespace wgu::bench {

Result<NetworkNamespace> NetworkNamespace::current() {
  io::FileDescriptor fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd) return io::system_error(errno, "open the network namespace");
  return NetworkNamespace(std::move(fd));
}

Result<NetworkNamespace> NetworkNamespace::create() {
  auto here = current();
  if (!here) return here;
  if (::unshare(CLONE_NEWNET) != 0) return io::system_error(errno, "make a network namespace");
  auto made = current();
  const auto up = bring_up("lo");
  here->enter().value();  // nobody could go on from the wrong one
  if (made && !up) return up.error();
  return made;
}

Result<void> NetworkNamespace::enter() const {
  if (::setns(fd_.get(), CLONE_NEWNET) != 0) return io::system_error(errno, "enter a network namespace");
  return {};
}

unsigned long NetworkNamespace::inode() const {
  struct stat status {};
  return ::fstat(fd_.get(), &status) == 0 ? status.st_ino : 0;
}

Visit::Visit(const NetworkNamespace& there) : here_(std::move(NetworkNamespace::current()).value()) { there.enter().value(); }

Visit::~Visit() { static_cast<void>(here_.enter()); }

}  // namespace wgu::bench
