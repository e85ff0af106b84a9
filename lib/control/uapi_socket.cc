// Creation, under a lock of the directory's so that two daemons cannot both find the same stale socket and remove each other's:
//   refuse a live socket -> bind a hidden name -> listen -> rename over the final one
// Whoever finds the path can connect, from the first moment. Linux takes a socket file's mode from the socket, less the umask:
// fchmod before bind leaves no moment with a wider mode and needs no change of the process-wide umask.

#include "control/uapi_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "values/quote_value.h"

namespace wgu::control {
namespace {

constexpr std::size_t kMaxInterfaceName = 15;  // IFNAMSIZ less the final zero
constexpr int kBacklog = 128;                  // clients beyond UapiServer's limit wait here
constexpr const char* kLockName = ".wgu.lock";
constexpr auto kLockPatience = std::chrono::seconds(2);

Error system_error(int code, const std::string& what) { return {code, what + ": " + std::generic_category().message(code)}; }

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Error{ENAMETOOLONG, quote_value(path) + " is longer than a socket's path can be (" +
                                   std::to_string(sizeof(address.sun_path) - 1) + " characters)"};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<io::FileDescriptor> unix_socket() {
  io::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(errno, "cannot make a unix socket");
  return socket;
}

std::string socket_path(const std::string& directory, std::string_view interface_name) {
  return directory + '/' + std::string(interface_name) + ".sock";
}

// May nobody else put files into it?
bool is_trusted(const struct stat& directory) {
  return (directory.st_uid == ::geteuid() || directory.st_uid == 0) && (directory.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Result<io::FileDescriptor> open_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error(errno, "cannot create directory " + quote_value(directory));
  io::FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return system_error(errno, "cannot open directory " + quote_value(directory));
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) return system_error(errno, "cannot examine directory " + quote_value(directory));
  if (!is_trusted(status)) return Error{EPERM, "others may write to directory " + quote_value(directory) + " and could replace the socket"};
  return opened;
}

bool are_same(const struct stat& one, const struct stat& other) { return one.st_dev == other.st_dev && one.st_ino == other.st_ino; }

// For whoever puts sockets into a directory or takes them out. It rests on a file that nobody else may open: the directory itself can be
// locked, for as long as he likes, by whoever may read it, and wireguard-go makes it readable for all. The file goes with the lock; so
// who gets a lock on a file that is no longer there has waited for nothing, and in a directory that was removed there is none to get.
class DirectoryLock {
 public:
  // Waits, but not for ever: another's lock cannot hang a start or an exit. \errors EBUSY, those of openat(2)
  static Result<DirectoryLock> take(io::FileDescriptor directory) {
    const auto give_up = std::chrono::steady_clock::now() + kLockPatience;
    do {
      io::FileDescriptor file(::openat(directory.get(), kLockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
      if (!file) return system_error(errno, "cannot open " + std::string(kLockName));
      if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
        struct stat ours {};
        struct stat there {};
        const bool is_there = ::fstat(file.get(), &ours) == 0 && ::fstatat(directory.get(), kLockName, &there, AT_SYMLINK_NOFOLLOW) == 0;
        if (is_there && are_same(ours, there)) return DirectoryLock(std::move(directory), std::move(file));
      } else if (errno != EWOULDBLOCK && errno != EINTR) {
        return system_error(errno, "cannot lock " + std::string(kLockName));
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    } while (std::chrono::steady_clock::now() < give_up);
    return Error{EBUSY, "another process holds " + std::string(kLockName)};
  }
  DirectoryLock(DirectoryLock&&) noexcept = default;
  ~DirectoryLock() {
    if (file_) ::unlinkat(directory_.get(), kLockName, 0);
  }

 private:
  DirectoryLock(io::FileDescriptor directory, io::FileDescriptor file) : directory_(std::move(directory)), file_(std::move(file)) {}
  io::FileDescriptor directory_;
  io::FileDescriptor file_;
};

// Success when nothing is there, or the socket of a daemon that died.
Result<void> check_not_served(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_error(errno, "cannot examine " + quote_value(path));
  }
  if (!S_ISSOCK(status.st_mode)) return Error{EEXIST, quote_value(path) + " exists and is not a socket"};
  auto address = unix_address(path);
  if (!address) return std::move(address).error();
  auto probe = unix_socket();
  if (!probe) return std::move(probe).error();
  if (::connect(probe->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(sockaddr_un)) != 0) {
    if (errno == ECONNREFUSED || errno == ENOENT) return {};
    // EAGAIN: alive with a full backlog. EPROTOTYPE: alive, of another type.
    if (errno != EAGAIN && errno != EPROTOTYPE) return system_error(errno, "cannot find out whether " + quote_value(path) + " is in use");
  }
  return Error{EADDRINUSE, quote_value(path) + " is served by another process"};
}

}  // namespace

Result<void> check_interface_name(std::string_view name) {
  const bool has_bad_character =
      std::any_of(name.begin(), name.end(), [](char c) { return (c >= 0 && c <= ' ') || c == 0x7f || c == '/' || c == ':'; });
  if (name.empty() || name.size() > kMaxInterfaceName || has_bad_character || name == "." || name == "..") {
    return Error{EINVAL, quote_value(name) + " is not an interface name (1 to 15 characters, no '/', ':' or space)"};
  }
  return {};
}

Result<UapiSocket> UapiSocket::create(std::string_view interface_name, std::string_view directory) {
  if (auto checked = check_interface_name(interface_name); !checked) return std::move(checked).error();
  UapiSocket socket;
  if (auto published = socket.publish(std::string(directory), std::string(interface_name) + ".sock"); !published) {
    return std::move(published).error();
  }
  return socket;
}

Result<UapiSocket> UapiSocket::create_at(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (!path.starts_with('/') || slash + 1 == path.size()) return Error{EINVAL, quote_value(path) + " is not an absolute path of a file"};
  UapiSocket socket;
  if (auto published = socket.publish(path.substr(0, slash), path.substr(slash + 1)); !published) return std::move(published).error();
  return socket;
}

Result<void> UapiSocket::publish(const std::string& directory, const std::string& file_name) {
  const std::string final_path = directory + '/' + file_name;
  const std::string hidden_path = directory + "/." + file_name + ".new";
  auto address = unix_address(hidden_path);
  if (!address) return std::move(address).error();
  if (auto fits = unix_address(final_path); !fits) return std::move(fits).error();

  auto opened = open_directory(directory);
  if (!opened) return std::move(opened).error();
  const auto lock = DirectoryLock::take(std::move(*opened));
  if (!lock) return Error{lock.error().code, "directory " + quote_value(directory) + ": " + lock.error().message};
  if (auto checked = check_not_served(final_path); !checked) return checked;
  if (::unlink(hidden_path.c_str()) != 0 && errno != ENOENT) return system_error(errno, "cannot remove " + quote_value(hidden_path));

  auto listener = unix_socket();
  if (!listener) return std::move(listener).error();
  if (::fchmod(listener->get(), S_IRUSR | S_IWUSR) != 0) return system_error(errno, "cannot set the mode of a unix socket");
  if (::bind(listener->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(sockaddr_un)) != 0) {
    return system_error(errno, "cannot bind " + quote_value(hidden_path));
  }
  if (::listen(listener->get(), kBacklog) != 0 || ::rename(hidden_path.c_str(), final_path.c_str()) != 0) {
    const int code = errno;
    ::unlink(hidden_path.c_str());
    return system_error(code, "cannot listen on " + quote_value(final_path));
  }
  listener_ = std::move(listener).value();
  path_ = final_path;
  remember_file();
  return {};
}

Result<UapiSocket> UapiSocket::adopt(int descriptor, std::string_view interface_name, std::string_view directory) {
  if (auto checked = check_interface_name(interface_name); !checked) return std::move(checked).error();
  const std::string what = "descriptor " + std::to_string(descriptor);
  const auto option = [descriptor](int name) -> std::optional<int> {
    int value = 0;
    socklen_t size = sizeof(value);
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? std::optional(value) : std::nullopt;
  };
  const auto domain = option(SO_DOMAIN);
  if (!domain) return system_error(errno, what);
  if (*domain != AF_UNIX || option(SO_TYPE) != SOCK_STREAM || option(SO_ACCEPTCONN) != 1) {
    return Error{EPROTOTYPE, what + " is not a listening unix stream socket"};
  }
  if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return system_error(errno, what);
  UapiSocket socket;
  socket.listener_ = io::FileDescriptor(descriptor);
  socket.path_ = socket_path(std::string(directory), interface_name);
  socket.remember_file();
  return socket;
}

void UapiSocket::remember_file() noexcept {
  io::FileDescriptor file(::open(path_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (file && ::fstat(file.get(), &status) == 0 && S_ISSOCK(status.st_mode)) file_ = std::move(file);
}

bool UapiSocket::is_file_gone() const noexcept {
  struct stat ours {};
  return file_ && ::fstat(file_.get(), &ours) == 0 && ours.st_nlink == 0;
}

void UapiSocket::remove_file() noexcept {
  const io::FileDescriptor file = std::move(file_);
  if (!file) return;
  // Between the comparison and the removal a successor could put its socket there, were it not for the lock. In a directory that others
  // may write to nobody publishes; an adopted socket may lie there, and there a lock could be anybody's.
  io::FileDescriptor directory(::open(path_.substr(0, path_.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (!directory || ::fstat(directory.get(), &status) != 0) return;
  std::optional<Result<DirectoryLock>> lock;
  if (is_trusted(status) && !lock.emplace(DirectoryLock::take(std::move(directory)))) return;
  struct stat ours {};
  struct stat there {};
  if (::fstat(file.get(), &ours) != 0 || ::lstat(path_.c_str(), &there) != 0) return;
  if (are_same(ours, there)) ::unlink(path_.c_str());
}

UapiSocket& UapiSocket::operator=(UapiSocket&& other) noexcept {
  if (this != &other) {
    remove_file();
    listener_ = std::move(other.listener_);
    path_ = std::move(other.path_);
    file_ = std::move(other.file_);
  }
  return *this;
}

UapiSocket::~UapiSocket() { remove_file(); }

}  // namespace wgu::control
