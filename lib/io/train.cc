// load -> sendmsg (by the caller) -> finish:  sent -> done
//                                             refused as a train, for its size, or from a source that is gone -> each datagram once
//                                             more, alone and maybe fragmented
//                                             any other error -> a failure for each datagram

#include "io/train.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/path_mtu.h"
#include "values/probes.h"

namespace wgu::io {
namespace {

// What the kernel says when it would send the datagrams but not the train: no checksum offload on the way out (EIO), a segment
// above the path MTU (EMSGSIZE, EINVAL before Linux 6.2), more segments than it takes (EINVAL).
bool is_refusal_of_trains(int error) noexcept { return error == EIO || error == EMSGSIZE || error == EINVAL; }

}  // namespace

void TrainRefusals::add(const Endpoint& remote, std::size_t size, Steady::time_point now) noexcept {
  Refusal* place = std::min_element(refusals_.begin(), refusals_.end(), [](const auto& a, const auto& b) { return a.until < b.until; });
  for (Refusal& refusal : refusals_) {
    if (refusal.remote == remote) place = &refusal;
  }
  if (!place->remote.is_set()) ++count_;
  *place = {remote, size, now + lasting_};
}

TrainRefusals::Verdict TrainRefusals::look_up(const Endpoint& remote, std::size_t size, Steady::time_point now) const noexcept {
  for (const Refusal& refusal : refusals_) {
    if (refusal.remote != remote || size < refusal.size) continue;
    return now < refusal.until ? Verdict::kOneByOne : Verdict::kOnTrial;
  }
  return Verdict::kTogether;
}

// Only a trial brings a train of a refused size about.
void TrainRefusals::end_trial(const Endpoint& remote, std::size_t size) noexcept {
  for (Refusal& refusal : refusals_) {
    if (refusal.remote != remote || size < refusal.size) continue;
    refusal = {};
    --count_;
  }
}

std::size_t Train::load(std::span<Datagram> datagrams, bool may_be_several) noexcept {
  Datagram& first = datagrams.front();
  remote_ = first.remote;
  local_ = first.local;
  traffic_class_ = first.traffic_class;
  const std::size_t segment = first.packet.size();
  const std::size_t limit = may_be_several && segment != 0 ? std::min(datagrams.size(), kMaxSegments) : 1;
  std::size_t bytes = 0;
  bool is_last = false;
  for (count_ = 0; count_ < limit && !is_last; ++count_) {
    Datagram& datagram = datagrams[count_];
    const std::size_t size = datagram.packet.size();
    if (count_ != 0) {
      // An empty datagram would vanish in a train, and a longer one be cut.
      if (size == 0 || size > segment || bytes + size > kMaxBytes) break;
      if (datagram.remote != remote_ || datagram.local != local_ || datagram.traffic_class != traffic_class_) break;
    }
    is_last = size < segment;
    bytes += size;
    tags_[count_] = datagram.tag;
    packets_[count_] = std::move(datagram.packet);
  }
  prepare(0, count_);
  return count_;
}

void Train::tell_tracers(std::uint8_t worker) const noexcept {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count_; ++i) bytes += packets_[i].size();
  WGU_PROBE(datagrams_sent, worker, count_, bytes);
}

// The message for `count` datagrams from `first` on.
void Train::prepare(std::size_t first, std::size_t count) noexcept {
  header_ = {};
  header_.msg_name = &address_;
  header_.msg_namelen = encode_address(remote_, address_);
  header_.msg_iov = payload_.data();
  const std::uint8_t* end = nullptr;
  for (std::size_t i = first; i < first + count; ++i) {
    const Packet& packet = packets_[i];
    if (packet.data() == end) {
      payload_[header_.msg_iovlen - 1].iov_len += packet.size();
    } else {
      payload_[header_.msg_iovlen++] = {packet.data(), packet.size()};
    }
    end = packet.data() + packet.size();
  }
  const std::size_t segment = count > 1 ? packets_[first].size() : 0;
  header_.msg_controllen = encode_control(remote_.address.family, local_, traffic_class_, segment, control_.data());
  header_.msg_control = header_.msg_controllen != 0 ? control_.data() : nullptr;
}

void Train::finish(int fd, int result, TrainRefusals& refusals, Arrivals& arrivals) noexcept {
  ++arrivals.socket_sends;
  if (result >= 0) {
    if (count_ > 1) {
      ++arrivals.trains_sent;
      refusals.accept(remote_, packets_[0].size());
    }
    return clear();
  }
  if (!refusals.discovers_path_mtu()) return settle(fd, -result, refusals, arrivals);
  // The error may be of a datagram sent before; nothing has changed since load().
  if (is_path_error(-result)) result = ::sendmsg(fd, &header_, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
  if (result >= 0) {
    clear();
  } else if (result == -EMSGSIZE || result == -EINVAL) {
    if (const std::uint32_t mtu = ask_path_mtu(fd, remote_); mtu != 0) arrivals.narrow_paths.push_back({remote_, mtu});
    const Fragmenting fragmenting(fd, remote_.address.family);  // who may not be fragmented will hear of it, and not be sent any more
    settle(fd, -result, refusals, arrivals);
  } else {
    settle(fd, -result, refusals, arrivals);
  }
  read_path_errors(fd, arrivals.narrow_paths);
}

void Train::settle(int fd, int error, TrainRefusals& refusals, Arrivals& arrivals) noexcept {
  const bool may_be_source = local_.address.family != Family::kNone && is_local_address_error(error);
  const bool may_be_train = count_ > 1 && is_refusal_of_trains(error);
  const bool may_be_size = refusals.discovers_path_mtu() && error == EMSGSIZE;
  if (!may_be_source && !may_be_train && !may_be_size) return fail(error, arrivals);
  bool has_worked = false;
  for (std::size_t i = 0; i < count_; ++i) {
    const int again = send_again(fd, i, arrivals);
    has_worked |= again == 0;
    if (again != 0) report(i, again, arrivals);
  }
  if (may_be_train && has_worked && (!may_be_source || local_.address.family != Family::kNone)) {
    // Where paths are not discovered, smaller trains would only be refused in their turn, and what is sent again comes late.
    refusals.add(remote_, refusals.discovers_path_mtu() && error == EMSGSIZE ? packets_[0].size() : 0, TrainRefusals::Steady::now());
    ++arrivals.refused_trains;
  }
  clear();
}

// A plain call: refusals are few. Once the sticky source has proven wrong, it is left out for the others too.
int Train::send_again(int fd, std::size_t index, Arrivals& arrivals) noexcept {
  const auto attempt = [&] {
    prepare(index, 1);
    ++arrivals.socket_sends;
    return ::sendmsg(fd, &header_, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
  };
  int error = attempt();
  if (error != 0 && local_.address.family != Family::kNone && is_local_address_error(error)) {
    const LocalAddress stale = std::exchange(local_, {});
    error = attempt();
    if (error == 0) {
      arrivals.stale_sources.push_back(tags_[index]);
    } else {
      local_ = stale;
    }
  }
  return error;
}

void Train::fail(int error, Arrivals& arrivals) noexcept {
  for (std::size_t i = 0; i < count_; ++i) report(i, error, arrivals);
  clear();
}

void Train::report(std::size_t index, int error, Arrivals& arrivals) const {
  arrivals.send_failures.push_back({tags_[index], static_cast<std::uint32_t>(packets_[index].size()), error});
}

void Train::clear() noexcept {
  for (std::size_t i = 0; i < count_; ++i) packets_[i] = Packet();
  count_ = 0;
}

}  // namespace wgu::io
