#include "pages.h"

#include <algorithm>
#include <exception>

#include "accept.h"
#include "telemetry/exposition.h"

namespace {

constexpr std::string_view kIndex =
    "wgu-tunnel\n"
    "  /metrics  for Prometheus: text 0.0.4, or OpenMetrics 1.0 where Accept prefers it\n"
    "  /json     the same, with percentiles, as one object\n"
    "  /events   the last thousand events or so, oldest first, one JSON object a line\n";
constexpr std::string_view kLevelPath = "/telemetry/";

PageResponse refusal(unsigned code, std::string_view why) { return {.code = code, .body = std::string(why) + "\n"}; }

PageResponse only(std::string methods) {
  PageResponse response = refusal(405, "only " + methods);
  response.allow = std::move(methods);
  return response;
}

}  // namespace

PageResponse Pages::answer(const PageRequest& request) noexcept {
  PageResponse response{.content_type = {}};
  try {
    response = dispatch(request);
  } catch (const std::exception&) {
    response.code = 500;  // out of memory, most likely: no text that needs some, not even a type
  }
  const auto code = std::find(kCodes.begin(), kCodes.end(), response.code);
  if (code != kCodes.end()) answers_[static_cast<std::size_t>(code - kCodes.begin())].fetch_add(1, std::memory_order_relaxed);
  return response;
}

PageResponse Pages::dispatch(const PageRequest& request) const {
  if (request.has_body) return refusal(413, "no request here has a body");
  if (request.is_control && request.path.starts_with(kLevelPath)) return set_telemetry(request);
  const bool is_known = request.path == "/" || request.path == "/metrics" || request.path == "/json" || request.path == "/events";
  if (!is_known) return refusal(404, "no such page; / lists those that there are");
  if (request.method != "GET" && request.method != "HEAD") return only("GET, HEAD");
  if (request.path == "/metrics") return metrics(request.accept);
  if (request.path == "/json") return json();
  if (request.path == "/events") return events();
  return {.body = std::string(kIndex)};
}

PageResponse Pages::metrics(std::string_view accept) const {
  const wgu::MetricsFormat format = preferred_format(accept);
  const wgu::Snapshot snapshot = sources_.snapshot();
  PageResponse response{.content_type = std::string(wgu::content_type(format))};
  wgu::telemetry::Exposition text(format, response.body);
  wgu::telemetry::write(text, snapshot);
  const std::string device = wgu::telemetry::label("device", snapshot.interface_name);
  text.begin("wgu_http_responses", "counter", "", "Requests for pages of telemetry, by how they were answered.");
  for (std::size_t i = 0; i < kCodes.size(); ++i) {
    const std::string code = std::to_string(kCodes[i]);
    text.sample(device, {"code", code}, answers_[i].load(std::memory_order_relaxed));
  }
  text.begin("wgu_http_unfinished_responses", "counter", "", "Of the answers, those that the client did not take whole, or not in time.");
  text.sample(device, {}, unfinished_.load(std::memory_order_relaxed));
  text.end();
  return response;
}

PageResponse Pages::json() const {
  PageResponse response{.content_type = "application/json"};
  wgu::append_json(sources_.snapshot(), response.body);
  response.body += '\n';
  return response;
}

PageResponse Pages::events() const {
  PageResponse response{.content_type = "application/x-ndjson"};
  for (const wgu::Event& event : sources_.events()) {
    wgu::append_json(event, response.body);
    response.body += '\n';
  }
  return response;
}

PageResponse Pages::set_telemetry(const PageRequest& request) const {
  if (request.method != "POST") return only("POST");
  const std::string_view name = request.path.substr(kLevelPath.size());
  const auto level = wgu::telemetry_level_named(name);
  if (!level) return refusal(400, "a level is one of off, events, sampled, all");
  sources_.set_telemetry(*level);
  return {.body = "telemetry: " + std::string(name) + "\n"};
}
