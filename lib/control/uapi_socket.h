#pragma once
/// \file
/// The file that `wg` looks for: a listening unix socket at /var/run/wireguard/<interface>.sock, mode 0600.

#include <string>
#include <string_view>
#include <utility>

#include "io/file_descriptor.h"
#include "wgu/result.h"

namespace wgu::control {

inline constexpr const char* kUapiDirectory = "/var/run/wireguard";  ///< as wireguard-tools has it (RUNSTATEDIR)

/// Whether the kernel would take it as an interface name, so that it is safe as part of a path. \errors EINVAL
Result<void> check_interface_name(std::string_view name);

/// Owns the file, and the listening descriptor until it is taken. Removes the file when it goes, if that is still the same one.
/// One thread at a time.
class UapiSocket {
 public:
  /// Creates `directory` (0700) when it is missing, and in it the socket, listening. The socket of a daemon that died is
  /// replaced, by rename: at no moment does the path lead to a socket that refuses connections, for `wg` removes such.
  /// \errors EINVAL (name), EADDRINUSE (another daemon serves it), EEXIST (something else has that path), EPERM (others may
  /// write to the directory), ENAMETOOLONG, EBUSY, others of the system
  static Result<UapiSocket> create(std::string_view interface_name, std::string_view directory = kUapiDirectory);

  /// The same at any path, in a directory that exists or can be made; not for `wg`. \errors EINVAL (not an absolute path), as above
  static Result<UapiSocket> create_at(const std::string& path);

  /// Takes over a listening descriptor that somebody else bound to this interface's path (WG_UAPI_FD). A file of that name
  /// becomes ours to remove. \errors EINVAL (name), EBADF, ENOTSOCK, EPROTOTYPE (not a listening unix stream socket)
  static Result<UapiSocket> adopt(int descriptor, std::string_view interface_name, std::string_view directory = kUapiDirectory);

  UapiSocket(UapiSocket&& other) noexcept = default;
  UapiSocket& operator=(UapiSocket&& other) noexcept;
  ~UapiSocket();

  /// The listening descriptor, for UapiServer. Once only.
  [[nodiscard]] io::FileDescriptor take_listener() noexcept { return std::move(listener_); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Leaves the file alone from now on: for the parent after a fork, when the child serves.
  void disown() noexcept { file_.reset(); }
  /// Somebody removed the file: nobody can reach us any more. wireguard-go ends then.
  [[nodiscard]] bool is_file_gone() const noexcept;
  /// Removes the file now, if it is still ours.
  void remove_file() noexcept;

 private:
  UapiSocket() = default;
  Result<void> publish(const std::string& directory, const std::string& file_name);
  void remember_file() noexcept;

  io::FileDescriptor listener_;
  std::string path_;
  io::FileDescriptor file_;  // O_PATH; keeps the inode's number from being used again while we compare with it
};

}  // namespace wgu::control
