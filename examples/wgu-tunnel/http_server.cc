// An answer is made whole in memory before its first byte is sent: a client that reads slowly holds that memory, and nothing of the
// engine. Malformed requests and headers that are too large end in libmicrohttpd.
#include "http_server.h"

#include <microhttpd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace {

std::string header(MHD_Connection* connection, const char* name) {
  struct Wanted {
    const char* name;
    std::string value;
  } wanted{name, {}};
  const auto collect = [](void* closure, MHD_ValueKind, const char* key, const char* value) {
    auto& found = *static_cast<Wanted*>(closure);
    if (strcasecmp(key, found.name) != 0 || value == nullptr) return MHD_YES;
    if (!found.value.empty()) found.value += ',';  // fields of one name are one list
    found.value += value;
    return MHD_YES;
  };
  MHD_get_connection_values(connection, MHD_HEADER_KIND, collect, &wanted);
  return wanted.value;
}

bool announces_body(MHD_Connection* connection) {
  const std::string length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  return (!length.empty() && length != "0") || !header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING).empty();
}

MHD_Result send(MHD_Connection* connection, PageResponse page) {
  auto body = std::make_unique<std::string>(std::move(page.body));
  MHD_Response* response = MHD_create_response_from_buffer_with_free_callback_cls(
      body->size(), body->data(), [](void* text) { delete static_cast<std::string*>(text); }, body.get());
  if (response == nullptr) return MHD_NO;
  static_cast<void>(body.release());  // the response's, which frees it when the last byte has left
  if (!page.content_type.empty()) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page.content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  if (!page.allow.empty()) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, page.allow.c_str());
  const MHD_Result queued = MHD_queue_response(connection, page.code, response);
  MHD_destroy_response(response);  // our reference
  return queued;
}

}  // namespace

wgu::Result<HttpServer> HttpServer::start(wgu::io::FileDescriptor listener, bool is_control, Pages& pages, HttpLimits limits) {
  // Nothing may be thrown through C.
  const auto answer = [](void* closure, MHD_Connection* connection, const char* path, const char* method, const char*, const char*,
                         std::size_t*, void** request) noexcept -> MHD_Result {
    const auto& site = *static_cast<Site*>(closure);
    const bool is_first_call = *request == nullptr;
    *request = closure;  // makes libmicrohttpd tell of the end, too
    try {
      // An answer within the first call refuses what follows of the request, and closes the connection.
      if (is_first_call && !announces_body(connection)) return MHD_YES;
      const std::string accept = header(connection, MHD_HTTP_HEADER_ACCEPT);
      return send(
          connection,
          site.pages.answer(
              {.method = method, .path = path, .accept = accept, .has_body = announces_body(connection), .is_control = site.is_control}));
    } catch (const std::bad_alloc&) {
      return MHD_NO;  // closes the connection
    }
  };
  const auto ended = [](void* closure, MHD_Connection*, void** request, MHD_RequestTerminationCode code) noexcept {
    if (*request != nullptr && code != MHD_REQUEST_TERMINATED_COMPLETED_OK) static_cast<Site*>(closure)->pages.count_unfinished();
  };

  HttpServer server;
  server.site_ = std::make_unique<Site>(Site{pages, is_control});
  errno = 0;
  server.daemon_.reset(MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, nullptr, nullptr, answer, server.site_.get(),
                                        MHD_OPTION_LISTEN_SOCKET, listener.get(), MHD_OPTION_CONNECTION_LIMIT, limits.connections,
                                        MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits.connections_per_address,
                                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits.bytes_per_connection, MHD_OPTION_CONNECTION_TIMEOUT,
                                        static_cast<unsigned>(limits.idle.count()), MHD_OPTION_NOTIFY_COMPLETED,
                                        static_cast<MHD_RequestCompletedCallback>(ended), server.site_.get(), MHD_OPTION_END));
  if (!server.daemon_)
    return wgu::Error{errno != 0 ? errno : EIO, std::string("the status server does not start: ") + std::strerror(errno)};
  static_cast<void>(listener.release());  // closed by MHD_stop_daemon
  return server;
}

void HttpServer::Stop::operator()(MHD_Daemon* daemon) const noexcept { MHD_stop_daemon(daemon); }
