// HTTP/1.0, as it needs neither chunks nor a second request: send, read to the end, cut at the empty line.
#include "client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "io/file_descriptor.h"

namespace wgu::status {
namespace {

Error failed(const std::string& path, int code) {
  if (code == EAGAIN) code = ETIMEDOUT;
  const char* hint = code == ENOENT || code == ECONNREFUSED ? " (no wgu-tunnel of that name is running)" : "";
  return {code, path + ": " + std::strerror(code) + hint};
}

Result<io::FileDescriptor> connect_to(const std::string& path, std::chrono::milliseconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return failed(path, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  io::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{patience.count() / 1000, patience.count() % 1000 * 1000};
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed(path, errno);
  }
  return socket;
}

Result<std::string> read_to_the_end(const io::FileDescriptor& socket, const std::string& path) {
  std::string text;
  char piece[65536];
  while (true) {
    const ssize_t count = ::recv(socket.get(), piece, sizeof piece, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path, errno);
    if (count == 0) return text;
    text.append(piece, static_cast<std::size_t>(count));
  }
}

// A daemon that ends while it answers leaves a part of it; our server always says how long the whole is.
bool is_whole(std::string_view head, std::size_t body) {
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t at = head.find(kLength);
  return at != std::string_view::npos && head.substr(at + kLength.size()).starts_with(std::to_string(body) + "\r\n");
}

}  // namespace

std::string socket_of(const std::string& interface_name) { return std::string(kDirectory) + "/" + interface_name + ".sock"; }

Result<std::string> ask(const std::string& socket_path, const std::string& method, const std::string& page,
                        std::chrono::milliseconds patience) {
  const auto socket = connect_to(socket_path, patience);
  if (!socket) return socket.error();
  const std::string request = method + " " + page + " HTTP/1.0\r\n\r\n";  // fits any socket buffer
  if (::send(socket->get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return failed(socket_path, errno);
  auto answer = read_to_the_end(*socket, socket_path);
  if (!answer) return answer;
  const std::size_t end = answer->find("\r\n\r\n");
  if (!answer->starts_with("HTTP/1.") || end == std::string::npos) return Error{EPROTO, socket_path + ": not an answer in HTTP"};
  std::string body = answer->substr(end + 4);
  if (!is_whole(std::string_view(*answer).substr(0, end + 2), body.size())) return Error{EPROTO, socket_path + ": the answer ends early"};
  const std::string code = answer->substr(9, 3);
  if (code != "200") return Error{EPROTO, body.empty() ? "the daemon answers " + code : body.substr(0, body.find('\n'))};
  return body;
}

}  // namespace wgu::status
