#include "report.h"

#include <nlohmann/json.hpp>

namespace {

nlohmann::ordered_json to_json(const wgu::Counters& c) {
  nlohmann::ordered_json outbound = {{"device_packets_received", c.device_packets_received},
                                     {"device_bytes_received", c.device_bytes_received},
                                     {"data_packets_sent", c.data_packets_sent},
                                     {"queued", c.outbound_queued},
                                     {"forwarded", c.outbound_forwarded},
                                     {"adopted", c.outbound_adopted},
                                     {"unexplained", c.unexplained(wgu::Direction::kOutbound)}};
  nlohmann::ordered_json inbound = {{"datagrams_received", c.datagrams_received},
                                    {"datagram_bytes_received", c.datagram_bytes_received},
                                    {"device_packets_sent", c.device_packets_sent},
                                    {"device_bytes_sent", c.device_bytes_sent},
                                    {"consumed", c.inbound_consumed},
                                    {"queued", c.inbound_queued},
                                    {"forwarded", c.inbound_forwarded},
                                    {"adopted", c.inbound_adopted},
                                    {"icmp_sent", c.icmp_sent},
                                    {"unexplained", c.unexplained(wgu::Direction::kInbound)}};
  for (const wgu::DropInfo& row : wgu::drop_table()) {
    auto& side = row.direction == wgu::Direction::kOutbound ? outbound : inbound;
    side["dropped"][std::string(row.name)] = c.dropped(row.drop);
  }
  return {{"outbound", std::move(outbound)},
          {"inbound", std::move(inbound)},
          {"datagrams_sent", c.datagrams_sent},
          {"datagram_bytes_sent", c.datagram_bytes_sent},
          {"keepalives_sent", c.keepalives_sent},
          {"keepalives_received", c.keepalives_received},
          {"initiations_sent", c.initiations_sent},
          {"initiations_received", c.initiations_received},
          {"responses_sent", c.responses_sent},
          {"responses_received", c.responses_received},
          {"cookie_replies_sent", c.cookie_replies_sent},
          {"cookie_replies_received", c.cookie_replies_received},
          {"sessions_begun", c.sessions_begun},
          {"handshakes_given_up", c.handshakes_given_up},
          {"paths_narrowed", c.paths_narrowed},
          {"mss_clamped", c.mss_clamped},
          {"endpoints_changed", c.endpoints_changed},
          {"send_errors", c.send_errors},
          {"trains_refused", c.trains_refused},
          {"batches_shared", c.batches_shared},
          {"shares_helped", c.shares_helped},
          {"device_reads_starved", c.device_reads_starved},
          {"socket_reads_starved", c.socket_reads_starved}};
}

}  // namespace

std::string report_counters(const std::vector<wgu::Counters>& workers) {
  wgu::Counters total;
  nlohmann::ordered_json each = nlohmann::ordered_json::array();
  for (const wgu::Counters& counters : workers) {
    total += counters;
    each.push_back(to_json(counters));
  }
  return nlohmann::ordered_json{{"total", to_json(total)}, {"workers", std::move(each)}}.dump();
}
