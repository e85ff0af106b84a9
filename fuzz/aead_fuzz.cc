// A batch of jobs through every kernel that runs here, against libsodium. The input is a number of packets, eight bytes for each
//   length (2 bytes, and 1 that says how long is long), key and counter (2), where the buffers begin and whether in place (1), what
//   happens to it before it is opened (2)
// and then the text that fills them. Kernels must seal the same bytes, open what is genuine and only that, leave
// nothing of what they refuse, and touch no byte outside: the buffers of a batch are one heap block each, for ASan to watch.
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "crypto/aead_kernels.h"

namespace {

using wgu::crypto::AeadKernel;
using wgu::crypto::kAeadTagSize;

constexpr std::size_t kPacketScript = 8;
constexpr std::size_t kMostPackets = 140;
constexpr std::size_t kMostBytes = 200'000;  // of a batch, so that an input takes milliseconds

void require(bool is_so, const char* what) {
  if (is_so) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// A heap block whose last byte is its last, and whose first lies `front` bytes behind an aligned address.
class Buffer {
 public:
  Buffer(std::size_t size, std::size_t front) : memory_(new std::uint8_t[front + size]), front_(front), size_(size) {
    std::memset(memory_.get(), kUntouched, front);
  }
  std::uint8_t* data() const { return memory_.get() + front_; }
  std::span<std::uint8_t> bytes() const { return {data(), size_}; }
  bool is_untouched_before() const {
    return std::all_of(memory_.get(), data(), [](std::uint8_t byte) { return byte == kUntouched; });
  }

 private:
  static constexpr std::uint8_t kUntouched = 0xa7;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t front_;
  std::size_t size_;
};

enum class Fate : std::uint8_t { kGenuine, kFlipped, kCut, kOtherKey, kOtherCounter };

struct Packet {
  std::uint32_t length = 0;
  const std::uint8_t* key = nullptr;
  std::uint64_t counter = 0;
  std::size_t front = 0;
  bool is_in_place = false;
  Fate fate = Fate::kGenuine;
  std::size_t where = 0;  // of the flip, or how much is cut
};

std::vector<Packet> packets_of(std::span<const std::uint8_t>& script, std::span<const std::array<std::uint8_t, 32>, 4> keys) {
  std::vector<Packet> packets;
  if (script.empty()) return packets;
  const std::size_t count = script[0] % (kMostPackets + 1);
  script = script.subspan(1);
  std::size_t bytes = 0;
  while (script.size() >= kPacketScript && packets.size() < count) {
    const auto byte = [&](std::size_t i) { return script[i]; };
    Packet packet;
    const std::uint32_t word = byte(0) | std::uint32_t{byte(1)} << 8;
    packet.length = byte(2) < 8 ? word : byte(2) < 64 ? word % 2049 : word % 300;
    if (bytes + packet.length > kMostBytes) break;
    bytes += packet.length;
    packet.key = keys[byte(3) % keys.size()].data();
    packet.counter = byte(3) / 64 == 3 ? ~std::uint64_t{byte(4)} : byte(4) | std::uint64_t{byte(4)} << 32;
    packet.front = byte(5) % 64;
    packet.is_in_place = (byte(5) & 0x80) != 0;
    packet.fate = byte(6) < 160 ? Fate::kGenuine : static_cast<Fate>(1 + byte(6) % 4);
    packet.where = byte(7) | std::size_t{byte(1)} << 8;
    packets.push_back(packet);
    script = script.subspan(kPacketScript);
  }
  return packets;
}

struct Expected {
  std::vector<std::uint8_t> plaintext;
  std::vector<std::uint8_t> sealed;
};

// What is given to open: altered as the script says, so that nothing but a genuine packet may open.
struct Altered {
  std::vector<std::uint8_t> sealed;
  const std::uint8_t* key = nullptr;
  std::uint64_t counter = 0;
};

Altered altered(const Packet& packet, const Expected& expected, const std::uint8_t* other_key) {
  Altered result{expected.sealed, packet.key, packet.counter};
  switch (packet.fate) {
    case Fate::kGenuine:
      break;
    case Fate::kFlipped:
      result.sealed[packet.where / 8 % result.sealed.size()] ^= static_cast<std::uint8_t>(1 << packet.where % 8);
      break;
    case Fate::kCut:
      result.sealed.resize(result.sealed.size() - 1 - packet.where % result.sealed.size());
      break;
    case Fate::kOtherKey:
      result.key = other_key;
      break;
    case Fate::kOtherCounter:
      result.counter ^= std::uint64_t{1} << packet.where % 64;
      break;
  }
  return result;
}

void check_seal(const AeadKernel& kernel, std::span<const Packet> packets, std::span<const Expected> expected) {
  std::vector<Buffer> ins;
  std::vector<Buffer> outs;
  std::vector<wgu::crypto::SealJob> jobs;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Packet& packet = packets[i];
    outs.emplace_back(packet.length + kAeadTagSize, packet.front);
    ins.emplace_back(packet.is_in_place ? 0 : packet.length, packet.front * 7 % 64);
    std::uint8_t* in = packet.is_in_place ? outs[i].data() : ins[i].data();
    std::copy(expected[i].plaintext.begin(), expected[i].plaintext.end(), in);
    jobs.push_back({packet.key, packet.counter, in, outs[i].data(), packet.length});
  }
  kernel.seal(jobs);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    require(std::ranges::equal(outs[i].bytes(), expected[i].sealed), "sealed otherwise than libsodium");
    require(outs[i].is_untouched_before(), "a byte before the output was written");
    require(packets[i].is_in_place || std::ranges::equal(ins[i].bytes(), expected[i].plaintext), "the plaintext was written");
  }
}

void check_open(const AeadKernel& kernel, std::span<const Packet> packets, std::span<const Expected> expected,
                std::span<const std::uint8_t, 32> other_key) {
  std::vector<Buffer> ins;
  std::vector<Buffer> outs;
  std::vector<Altered> given;
  std::vector<wgu::crypto::OpenJob> jobs;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Packet& packet = packets[i];
    given.push_back(altered(packet, expected[i], other_key.data()));
    const std::vector<std::uint8_t>& sealed = given[i].sealed;
    const std::size_t text = sealed.size() < kAeadTagSize ? 0 : sealed.size() - kAeadTagSize;
    ins.emplace_back(sealed.size(), packet.front);
    outs.emplace_back(packet.is_in_place ? 0 : text, packet.front * 7 % 64);
    std::copy(sealed.begin(), sealed.end(), ins[i].data());
    std::uint8_t* out = packet.is_in_place ? ins[i].data() : outs[i].data();
    jobs.push_back({given[i].key, given[i].counter, ins[i].data(), out, static_cast<std::uint32_t>(sealed.size()), packet.where % 2 == 0});
  }
  kernel.open(jobs);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const bool is_genuine = packets[i].fate == Fate::kGenuine;
    require(jobs[i].is_authentic == is_genuine, is_genuine ? "a genuine packet was refused" : "a forgery was opened");
    if (given[i].sealed.size() >= kAeadTagSize) {
      const std::span<const std::uint8_t> text(jobs[i].out, given[i].sealed.size() - kAeadTagSize);
      if (is_genuine) {
        require(std::ranges::equal(text, expected[i].plaintext), "opened otherwise than libsodium");
      } else {
        require(std::ranges::all_of(text, [](std::uint8_t byte) { return byte == 0; }), "something is left of a refused packet");
      }
    }
    require(ins[i].is_untouched_before() && outs[i].is_untouched_before(), "a byte before a buffer was written");
    require(packets[i].is_in_place || std::ranges::equal(ins[i].bytes(), given[i].sealed), "the ciphertext was written");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (sodium_init() < 0) return 0;
  // Four peers, one with a key of ones; and a stranger.
  std::array<std::array<std::uint8_t, 32>, 4> keys{};
  for (std::size_t i = 0; i < 32; ++i)
    keys[0][i] = static_cast<std::uint8_t>(i), keys[1][i] = 0xff, keys[2][i] = static_cast<std::uint8_t>(i * i + 7);
  std::array<std::uint8_t, 32> stranger = keys[2];
  stranger[31] ^= 0x80;

  std::span<const std::uint8_t> script(data, size);
  const std::vector<Packet> packets = packets_of(script, keys);
  std::vector<Expected> expected;
  std::size_t used = 0;
  for (const Packet& packet : packets) {
    Expected next{std::vector<std::uint8_t>(packet.length), std::vector<std::uint8_t>(packet.length + kAeadTagSize)};
    // The rest of the input again and again, changed a little each time it ends.
    for (auto& byte : next.plaintext)
      byte = script.empty() ? 0 : static_cast<std::uint8_t>(script[used % script.size()] + used / script.size()), ++used;
    crypto_aead_chacha20poly1305_ietf_encrypt(next.sealed.data(), nullptr, next.plaintext.data(), next.plaintext.size(), nullptr, 0,
                                              nullptr, wgu::crypto::nonce_of(packet.counter).data(), packet.key);
    expected.push_back(std::move(next));
  }
  for (const AeadKernel* kernel : wgu::crypto::kernels()) {
    if (!kernel->runs_here()) continue;
    check_seal(*kernel, packets, expected);
    check_open(*kernel, packets, expected, stranger);
  }
  return 0;
}
