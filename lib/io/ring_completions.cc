// What came back from io_uring. completion -> its Kind:
//   read of a source   what the buffer holds becomes packets, copies or slices; without CQE_F_MORE the request is over and
//                      arm_sources() decides when the next one begins (no buffers: when there are; error: after a pause)
//   send, write        failure is accounted; the train is free, the writes are when all are done
//   wake               only ends the blocking; WakeSignal says whether somebody asked
// Nothing here submits: the completion queue is being walked.

#include <algorithm>
#include <cerrno>

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
    case Kind::kSend: {
      Train& train = trains_[slot];
      train.finish(socket_for(train.family()), completion.res, refusals_, arrivals);
      free_trains_.push_back(slot);
      --in_flight_;
      return completion.res < 0;
    }
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

bool Ring::complete_write(std::uint32_t slot, int result, Arrivals& arrivals) {
  --in_flight_;
  if (result == -EOPNOTSUPP) {
    // A descriptor without NOWAIT. Completions come in order, so that writing here keeps it.
    is_write_by_ring_ = false;
    write_plainly(planned_[slot], arrivals);
  } else {
    finish_write(planned_[slot], -std::min(result, 0), arrivals);
  }
  return result < 0;
}

bool Ring::complete_read(Source& source, const io_uring_cqe& completion, Arrivals& arrivals) {
  const bool is_current = (completion.user_data >> 32 & 0xffffff) == (source.generation & 0xffffff);
  if (is_current && (completion.flags & IORING_CQE_F_MORE) == 0) source.is_armed = false;
  const bool is_device = source.kind == Kind::kDevice;
  const bool has_buffer = (completion.flags & IORING_CQE_F_BUFFER) != 0;
  const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
  bool is_news = false;
  if (completion.res < 0) {
    is_news = is_current && note_read_error(source, -completion.res, arrivals);
  } else if (is_device && !is_device_by_ring_) {
    if (is_current && !source.is_gone) is_device_readable_ = true;
  } else if (is_device && completion.res == 0) {
    is_news = is_current && deliver_empty_read(arrivals);
  } else if (has_buffer) {
    source.is_starved = false;
    source.usual_size += static_cast<std::size_t>(completion.res) / 8 - source.usual_size / 8;
    const Packet& bytes = buffers_of(source).at(buffer);
    if (is_device) {
      intake_.read_device({bytes.data(), static_cast<std::size_t>(completion.res)}, arrivals);
    } else {
      deliver_datagrams(bytes, completion.res, arrivals);
    }
    is_news = true;
  }
  if (has_buffer) buffers_of(source).give_back(buffer);
  return is_news;
}

bool Ring::note_read_error(Source& source, int error, Arrivals& arrivals) {
  if (error == ENOBUFS || error == ECANCELED) return false;
  if (source.kind == Kind::kDevice && classify_device_error(error) == DeviceRead::kGone) {
    end_device(arrivals);
    return true;
  }
  if (source.kind != Kind::kDevice && refusals_.discovers_path_mtu() && is_path_error(error)) {
    // Of a datagram that was sent, and told once: reading goes on at once.
    read_path_errors(source.fd, arrivals.narrow_paths);
    return !arrivals.narrow_paths.empty();
  }
  source.resume_at = Steady::now() + kErrorPause;
  return false;
}

void Ring::end_device(Arrivals& arrivals) {
  device().is_gone = true;
  is_device_readable_ = false;
  arrivals.device_gone = true;
}

// A read of zero bytes ends a multishot read and takes no buffer.
bool Ring::deliver_empty_read(Arrivals& arrivals) {
  if (zero_is_end_) {
    end_device(arrivals);
  } else {
    intake_.read_device({}, arrivals);
  }
  return true;
}

void Ring::deliver_datagrams(const Packet& buffer, int result, Arrivals& arrivals) {
  io_uring_recvmsg_out* out = io_uring_recvmsg_validate(buffer.data(), result, &receive_layout_);
  if (out == nullptr) {
    ++arrivals.truncated_datagrams;
    return;
  }
  auto* name = static_cast<std::uint8_t*>(io_uring_recvmsg_name(out));
  msghdr message{};
  message.msg_name = name;
  message.msg_namelen = std::min<socklen_t>(out->namelen, kNameSize);
  message.msg_control = name + kNameSize;
  message.msg_controllen = out->controllen;
  message.msg_flags = static_cast<int>(out->flags);
  const std::size_t size = io_uring_recvmsg_payload_length(out, result, &receive_layout_);
  const std::span payload(buffer.data() + kReceivePrefix, size);
  // Packets outlive the loop, so only a buffer that is not the loop's own may become theirs.
  if (do_trains_stay_) return intake_.receive(message, payload, arrivals, buffer);
  intake_.receive(message, payload, arrivals);
}

// A device without multishot reads. The poll tells only of changes, so the device counts as readable until a read says otherwise.
bool Ring::read_plainly(Arrivals& arrivals) {
  bool any_news = false;
  for (std::size_t count = 0; count < reads_; ++count) {
    switch (read_device(device().fd, zero_is_end_, plain_buffer_, intake_, arrivals)) {
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

void Ring::write_plainly(const DeviceWriter::Write& write, Arrivals& arrivals) noexcept {
  finish_write(write, write_to_device(write_fd_, write), arrivals);
}

}  // namespace wgu::io
