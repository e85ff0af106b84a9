// What came back from io_uring. completion -> its Kind:
//   read of a source   the buffer it filled becomes a Packet or Datagram where it lies; without CQE_F_MORE the request is over
//                      and arm_sources() decides when the next one begins (no buffers: when there are; error: after a pause)
//   send, write        failure is accounted, then the packet goes back and the slot is free
//   wake               only ends the blocking; WakeSignal says whether somebody asked
// Nothing here submits: the completion queue is being walked.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/ring.h"

namespace wgu::io {

bool Ring::harvest(Arrivals& arrivals) {
  bool any_news = false;
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(&ring(), head, completion) {
    any_news |= complete(*completion, arrivals);
    ++count;
  }
  io_uring_cq_advance(&ring(), count);
  return any_news;
}

bool Ring::complete(const io_uring_cqe& completion, Arrivals& arrivals) {
  const Kind kind = static_cast<Kind>(completion.user_data >> 56);
  const auto slot = static_cast<std::uint32_t>(completion.user_data);
  switch (kind) {
    case Kind::kSend:
      finish_send(slots_[slot], socket_for(slots_[slot].datagram.remote.address.family), completion.res, arrivals);
      release(slot);
      return completion.res < 0;
    case Kind::kWrite:
      return complete_write(slot, completion.res, arrivals);
    case Kind::kDevice:
    case Kind::kSocketV4:
    case Kind::kSocketV6:
      return complete_read(sources_[static_cast<std::size_t>(kind)], completion, arrivals);
    case Kind::kWake:
      if ((completion.flags & IORING_CQE_F_MORE) == 0) is_wake_armed_ = false;
      return false;
    case Kind::kCancel:
      --cancels_under_way_;
      return false;
  }
  return false;
}

void Ring::release(std::uint32_t slot) noexcept {
  slots_[slot].datagram.packet = Packet();
  free_slots_.push_back(slot);
  --in_flight_;
}

bool Ring::complete_write(std::uint32_t slot, int result, Arrivals& arrivals) {
  if (result == -EOPNOTSUPP) {
    // A descriptor without NOWAIT. Completions come in order, so that writing here keeps it.
    is_write_by_ring_ = false;
    write_plainly(slots_[slot].datagram.packet, arrivals);
  } else if (result < 0) {
    ++arrivals.write_failures;
  }
  release(slot);
  return result < 0;
}

bool Ring::complete_read(Source& source, const io_uring_cqe& completion, Arrivals& arrivals) {
  const bool is_current = (completion.user_data >> 32 & 0xffffff) == (source.generation & 0xffffff);
  if (is_current && (completion.flags & IORING_CQE_F_MORE) == 0) source.is_armed = false;
  const bool is_device = source.kind == Kind::kDevice;
  Packet packet;
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0)
    packet = buffers_of(source).take(static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT));
  if (completion.res < 0) {
    const int error = -completion.res;
    if (!is_current || error == ENOBUFS || error == ECANCELED) return false;
    if (is_device && classify_device_error(error) == DeviceRead::kGone) {
      end_device(arrivals);
      return true;
    }
    source.resume_at = Steady::now() + kErrorPause;
    return false;
  }
  if (is_device && !is_device_by_ring_) {
    if (is_current && !source.is_gone) is_device_readable_ = true;
    return false;
  }
  if (is_device && completion.res == 0) return is_current && deliver_empty_read(source, arrivals);
  if (!packet) return false;
  source.is_starved = false;
  if (is_device) {
    deliver_device_packet(std::move(packet), device_buffer_, static_cast<std::size_t>(completion.res), arrivals);
  } else {
    deliver_datagram(std::move(packet), completion.res, arrivals);
  }
  return true;
}

void Ring::end_device(Arrivals& arrivals) {
  device().is_gone = true;
  is_device_readable_ = false;
  arrivals.device_gone = true;
}

// A read of zero bytes ends a multishot read and takes no buffer.
bool Ring::deliver_empty_read(Source& source, Arrivals& arrivals) {
  if (zero_is_end_) {
    end_device(arrivals);
  } else if (Packet packet = pool_.take(device_buffer_.headroom); packet) {
    deliver_device_packet(std::move(packet), device_buffer_, 0, arrivals);
  } else {
    source.is_starved = true;
    ++arrivals.starved_device_reads;
  }
  return true;
}

void Ring::deliver_datagram(Packet packet, int result, Arrivals& arrivals) {
  io_uring_recvmsg_out* out = io_uring_recvmsg_validate(packet.data(), result, &receive_layout_);
  if (out == nullptr || (out->flags & MSG_TRUNC) != 0) {
    ++arrivals.truncated_datagrams;
    return;
  }
  Datagram datagram;
  auto* name = static_cast<std::uint8_t*>(io_uring_recvmsg_name(out));
  sockaddr_storage address{};
  std::memcpy(&address, name, std::min<std::size_t>(out->namelen, kNameSize));
  datagram.remote = decode_address(address);
  msghdr message{};
  message.msg_control = name + kNameSize;
  message.msg_controllen = out->controllen;
  decode_control(message, datagram);
  packet.place(packet.headroom() + kReceivePrefix, io_uring_recvmsg_payload_length(out, result, &receive_layout_));
  datagram.packet = std::move(packet);
  arrivals.from_network.push_back(std::move(datagram));
}

// A device without multishot reads. The poll tells only of changes, so the device counts as readable until a read says otherwise.
bool Ring::read_plainly(Arrivals& arrivals) {
  bool any_news = false;
  for (std::size_t count = 0; count < batch_; ++count) {
    switch (read_device(device().fd, zero_is_end_, device_buffer_, pool_, arrivals)) {
      case DeviceRead::kPacket:
        device().is_starved = false;
        any_news = true;
        continue;
      case DeviceRead::kEmpty:
        is_device_readable_ = false;
        return any_news;
      case DeviceRead::kStarved:
        report_starvation(device());
        device().resume_at = Steady::now() + kStarvedPause;
        return any_news;
      case DeviceRead::kFailed:
        device().resume_at = Steady::now() + kErrorPause;
        return any_news;
      case DeviceRead::kGone:
        end_device(arrivals);
        return true;
    }
  }
  return any_news;
}

void Ring::write_plainly(Packet& packet, Arrivals& arrivals) noexcept {
  if (::write(write_fd_, packet.data(), packet.size()) < 0) ++arrivals.write_failures;
}

}  // namespace wgu::io
