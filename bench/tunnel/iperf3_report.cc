#include "bench/tunnel/iperf3_report.h"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string>

namespace wgu::bench {

Result<Iperf3Report> parse_iperf3(std::string_view json) {
  const auto report = nlohmann::json::parse(json, nullptr, false);
  if (report.is_discarded() || !report.is_object()) return Error{EINVAL, "iperf3 wrote no JSON"};
  if (const auto error = report.find("error"); error != report.end() && error->is_string()) {
    return Error{EIO, "iperf3: " + error->get<std::string>()};
  }
  try {
    const auto& end = report.at("end");
    if (const auto udp = end.find("sum"); udp != end.end() && udp->contains("lost_packets")) {
      // "bytes" are the sender's; the receiver reported how many datagrams it missed.
      const double all = udp->at("packets").get<double>();
      const double lost = udp->at("lost_packets").get<double>();
      const double bytes = udp->at("bytes").get<double>();
      return Iperf3Report{udp->at("seconds").get<double>(), all > 0 ? bytes * (all - lost) / all : 0, all - lost, lost};
    }
    const auto& received = end.at("sum_received");
    return Iperf3Report{received.at("seconds").get<double>(), received.at("bytes").get<double>(), 0, 0};
  } catch (const nlohmann::json::exception& error) {
    return Error{EINVAL, std::string("iperf3's JSON: ") + error.what()};
  }
}

}  // namespace wgu::bench
