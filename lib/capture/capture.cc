// inner, outer -> a block in the tap's buffer -> (full, flush) one append to the file; refused: every packet in it is counted as dropped.
#include "capture/capture.h"

#include <sodium.h>
#include <unistd.h>

#include <cerrno>

#include "capture/key_log.h"
#include "capture/source_address.h"

namespace wgu::capture {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::size_t kBufferSize = 256 * 1024;  // some 160 full packets; a write(2) for each costs more than all else here
constexpr std::size_t kLargestPacket = 65535;    // a packet's or datagram's, with its IP header

std::span<const std::uint8_t> bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

Bytes file_header(const std::string& interface_name) {
  Bytes header;
  append_section_header(header, "wgu");
  append_interface_description(header, interface_name, "inside the tunnel");
  append_interface_description(header, interface_name + "-outside", "outside the tunnel; IP and UDP headers are reconstructed");
  return header;
}

}  // namespace

Tap::Tap(Capture& capture) : capture_(capture) {
  if (capture_.packets_) buffer_.reserve(kBufferSize);
}

void Tap::inner(Direction direction, std::span<const std::uint8_t> packet_bytes, WallTime when) noexcept {
  packet(CaptureInterface::kInner, direction, when, {}, packet_bytes);
}

void Tap::outer(Direction direction, const OuterPath& path, std::span<const std::uint8_t> payload, WallTime when) noexcept {
  if (!path.remote.is_set()) return;
  OuterPath full = path;
  if (capture_.packets_ && full.local.address.family == Family::kNone) {
    if (full.remote != last_remote_) last_source_ = source_address_to(last_remote_ = full.remote);
    full.local.address = last_source_;
  }
  packet(CaptureInterface::kOuter, direction, when, OuterHeaders(direction, full, payload).bytes(), payload);
}

void Tap::packet(CaptureInterface on, Direction direction, WallTime when, std::span<const std::uint8_t> headers,
                 std::span<const std::uint8_t> payload) noexcept {
  if (!capture_.packets_) return;
  const auto index = static_cast<std::size_t>(on);
  const std::size_t size = headers.size() + payload.size();
  if (capture_.packets_->is_full() || size > kLargestPacket) {
    return count(index, 1, false);
  }
  if (buffer_.size() + packet_block_size(size) > kBufferSize) flush();
  append_packet(buffer_, on, direction, when, headers, payload);
  ++buffered_[index];
}

void Tap::identity(std::span<const std::uint8_t, kKeySize> private_key) noexcept {
  if (const KeyLogText text(private_key); !text.view().empty()) write_keys(text);
}

void Tap::handshake(const HandshakeSecrets& secrets) noexcept {
  (write_keys(KeyLogText(secrets)) ? capture_.handshakes_ : capture_.handshakes_dropped_).fetch_add(1, kRelaxed);
}

bool Tap::write_keys(const KeyLogText& text) noexcept {
  bool is_written = true;
  if (capture_.key_log_) is_written = capture_.key_log_->append(bytes_of(text.view()));
  if (!capture_.packets_) return is_written;
  // The block goes through the buffer, emptied for it, so that no copy of it is left elsewhere.
  flush();
  append_decryption_secrets(buffer_, text.view());
  is_written = capture_.packets_->append(buffer_) && is_written;
  sodium_memzero(buffer_.data(), buffer_.size());
  buffer_.clear();
  return is_written;
}

void Tap::flush() noexcept {
  if (buffer_.empty()) return;
  const bool is_written = capture_.packets_->append(buffer_);
  for (std::size_t i = 0; i < kCaptureInterfaces; ++i) {
    count(i, buffered_[i], is_written);
    buffered_[i] = 0;
  }
  buffer_.clear();
}

void Tap::count(std::size_t interface, std::uint64_t packets, bool are_written) noexcept {
  packets_.seen += packets;
  capture_.seen_[interface].fetch_add(packets, kRelaxed);
  if (are_written) return;
  packets_.dropped += packets;
  capture_.dropped_[interface].fetch_add(packets, kRelaxed);
}

Result<std::unique_ptr<Capture>> Capture::create(const CaptureOptions& options) {
  if (options.packets_path.empty() && options.key_log_path.empty()) return Error{EINVAL, "a capture needs a file for packets or for keys"};
  std::unique_ptr<Capture> capture(new Capture);
  if (!options.packets_path.empty()) {
    auto file = BoundedFile::create(options.packets_path, options.packets_limit);
    if (!file) return std::move(file).error();
    capture->packets_ = std::move(*file);
    if (!capture->packets_->append(file_header(options.interface_name))) {
      ::unlink(options.packets_path.c_str());
      return Error{EFBIG, "\"" + options.packets_path + "\": no room for the header of a capture"};
    }
  }
  if (!options.key_log_path.empty()) {
    auto file = BoundedFile::create(options.key_log_path, options.key_log_limit);
    if (!file) {
      if (capture->packets_) ::unlink(options.packets_path.c_str());
      return std::move(file).error();
    }
    capture->key_log_ = std::move(*file);
  }
  return capture;
}

CaptureCounts Capture::counts() const noexcept {
  CaptureCounts counts;
  for (std::size_t i = 0; i < kCaptureInterfaces; ++i) {
    counts.packets[i].dropped = dropped_[i].load(kRelaxed);
    counts.packets[i].seen = seen_[i].load(kRelaxed);
  }
  counts.handshakes = handshakes_.load(kRelaxed);
  counts.handshakes_dropped = handshakes_dropped_.load(kRelaxed);
  if (packets_) counts.packets_bytes = packets_->size();
  if (key_log_) counts.key_log_bytes = key_log_->size();
  return counts;
}

void Capture::finish(WallTime when) noexcept {
  if (!packets_) return;
  Bytes statistics;
  const CaptureCounts all = counts();
  for (std::size_t i = 0; i < kCaptureInterfaces; ++i) {
    append_interface_statistics(statistics, static_cast<CaptureInterface>(i), when, all.packets[i]);
  }
  packets_->append_last(statistics);
}

}  // namespace wgu::capture
