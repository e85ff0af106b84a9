// A block: type, total length, body padded to 32 bits, options, total length again. Lengths are filled in when it is whole.
#include "capture/pcapng.h"

#include <array>

namespace wgu::capture {
namespace {

// Block types, options and their codes: draft-ietf-opsawg-pcapng sections 4.1, 4.2, 4.3, 4.6, 4.7 and 3.5.
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kInterfaceStatistics = 5;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kDecryptionSecrets = 0x0a;
constexpr std::uint32_t kWireGuardKeyLog = 0x57474b4c;
constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kPacketFlags = 2;
constexpr std::uint16_t kInterfaceName = 2, kInterfaceAbout = 3, kInterfaceResolution = 9;
constexpr std::uint16_t kStatisticsSeen = 4, kStatisticsDropped = 5;
constexpr std::uint16_t kSectionApplication = 4;
constexpr std::uint32_t kFlagInbound = 1, kFlagOutbound = 2;
constexpr std::uint16_t kLinkTypeRaw = 101;  // of the registry of link types: begins with IPv4 or IPv6
constexpr std::uint8_t kNanoseconds = 9;     // 10^-9 s

template <class T>
void put(Bytes& out, T value) {
  std::array<std::uint8_t, sizeof value> bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put(Bytes& out, std::span<const std::uint8_t> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
std::span<const std::uint8_t> bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
constexpr std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }

class Block {
 public:
  Block(Bytes& out, std::uint32_t type) : out_(out), begin_(out.size()) {
    put(out_, type);
    put(out_, std::uint32_t{0});
  }
  // Body before and after are multiples of 32 bits.
  void pad() { out_.resize(begin_ + padded(out_.size() - begin_)); }
  void option(std::uint16_t code, std::span<const std::uint8_t> value) {
    put(out_, code);
    put(out_, static_cast<std::uint16_t>(value.size()));
    put(out_, value);
    pad();
  }
  template <class T>
  void number_option(std::uint16_t code, T value) {
    put(out_, code);
    put(out_, static_cast<std::uint16_t>(sizeof value));
    put(out_, value);
    pad();
  }
  void end_options() { put(out_, std::uint32_t{kEndOfOptions}); }
  void end() {
    const auto length = static_cast<std::uint32_t>(out_.size() - begin_ + sizeof(std::uint32_t));
    put(out_, length);
    for (std::size_t i = 0; i < sizeof length; ++i) out_[begin_ + sizeof length + i] = static_cast<std::uint8_t>(length >> (8 * i));
  }

 private:
  Bytes& out_;
  std::size_t begin_;
};

// High half first: the format's order, whatever the byte order.
void put_timestamp(Bytes& out, WallTime when) {
  const std::uint64_t nanoseconds = static_cast<std::uint64_t>(when.seconds) * 1'000'000'000 + when.nanoseconds;
  put(out, static_cast<std::uint32_t>(nanoseconds >> 32));
  put(out, static_cast<std::uint32_t>(nanoseconds));
}

// Names of interfaces and programs: longer ones say nothing more.
std::string_view short_text(std::string_view text) { return text.substr(0, 255); }

}  // namespace

void append_section_header(Bytes& out, std::string_view application) {
  Block block(out, kSectionHeader);
  put(out, kByteOrderMagic);
  put(out, std::uint16_t{1});  // version 1.0
  put(out, std::uint16_t{0});
  put(out, ~std::uint64_t{0});  // length of the section: to the end
  block.option(kSectionApplication, bytes_of(short_text(application)));
  block.end_options();
  block.end();
}

void append_interface_description(Bytes& out, std::string_view name, std::string_view description) {
  Block block(out, kInterfaceDescription);
  put(out, kLinkTypeRaw);
  put(out, std::uint16_t{0});
  put(out, std::uint32_t{0});  // packets are whole
  block.option(kInterfaceName, bytes_of(short_text(name)));
  block.option(kInterfaceAbout, bytes_of(short_text(description)));
  block.number_option(kInterfaceResolution, kNanoseconds);
  block.end_options();
  block.end();
}

void append_packet(Bytes& out, CaptureInterface on, Direction direction, WallTime when, std::span<const std::uint8_t> headers,
                   std::span<const std::uint8_t> payload) {
  Block block(out, kEnhancedPacket);
  const auto size = static_cast<std::uint32_t>(headers.size() + payload.size());
  put(out, static_cast<std::uint32_t>(on));
  put_timestamp(out, when);
  put(out, size);  // captured
  put(out, size);  // on the wire
  put(out, headers);
  put(out, payload);
  block.pad();
  block.number_option(kPacketFlags, direction == Direction::kOutbound ? kFlagOutbound : kFlagInbound);
  block.end_options();
  block.end();
}

std::size_t packet_block_size(std::size_t size) noexcept {
  constexpr std::size_t kWords = 7 + 2 + 1 + 1;  // type to original length; flags; end of options; length again
  return kWords * sizeof(std::uint32_t) + padded(size);
}

void append_decryption_secrets(Bytes& out, std::string_view key_log) {
  Block block(out, kDecryptionSecrets);
  put(out, kWireGuardKeyLog);
  put(out, static_cast<std::uint32_t>(key_log.size()));
  put(out, bytes_of(key_log));
  block.pad();
  block.end();
}

void append_interface_statistics(Bytes& out, CaptureInterface of, WallTime when, InterfaceStatistics statistics) {
  Block block(out, kInterfaceStatistics);
  put(out, static_cast<std::uint32_t>(of));
  put_timestamp(out, when);
  block.number_option(kStatisticsSeen, statistics.seen);
  block.number_option(kStatisticsDropped, statistics.dropped);
  block.end_options();
  block.end();
}

}  // namespace wgu::capture
