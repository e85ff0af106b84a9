// The program, in the kernel's own terms (linux/bpf.h): it is given the packet from its IP header on, looks its destination up in one
// of two tries (BPF_MAP_TYPE_LPM_TRIE), and returns the number found there, or 0. Loads from the packet turn network order into the
// host's, and keys are in network order: hence the turn back. A load beyond the packet ends the program with 0.

#include "io/tun_steering.h"

#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "io/system_error.h"

namespace wgu::io {
namespace {

int bpf(bpf_cmd command, bpf_attr& attributes) noexcept {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

template <class T>
std::uint64_t address_of(T* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

template <std::size_t kBytes>
struct Key {
  std::uint32_t length;  // bits
  std::array<std::uint8_t, kBytes> address;
};

Result<FileDescriptor> make_trie(std::uint32_t key_size, std::uint32_t most_prefixes) {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_LPM_TRIE;
  attributes.key_size = key_size;
  attributes.value_size = sizeof(std::uint32_t);
  attributes.max_entries = most_prefixes;
  attributes.map_flags = BPF_F_NO_PREALLOC;  // the only kind there is of a trie
  FileDescriptor map(bpf(BPF_MAP_CREATE, attributes));
  if (!map) return system_error(errno, "bpf(BPF_MAP_CREATE)");
  return map;
}

// One instruction; the comments beside their uses read as the kernel's verifier prints them.
constexpr bpf_insn instruction(int code, int to, int from, int offset, std::int32_t immediate) {
  bpf_insn insn{};
  insn.code = static_cast<__u8>(code);
  insn.dst_reg = static_cast<__u8>(to) & 0xf;
  insn.src_reg = static_cast<__u8>(from) & 0xf;
  insn.off = static_cast<__s16>(offset);
  insn.imm = immediate;
  return insn;
}

constexpr std::int32_t kV4Destination = 16;  // offsets in the IP headers (RFC 791, RFC 8200)
constexpr std::int32_t kV6Destination = 24;
constexpr int kV4Key = -8;  // places on the program's stack
constexpr int kV6Key = -32;
constexpr int kV6 = 14, kLookUp = 31, kEnd = 34, kNone = 35;  // numbers of instructions that are jumped to

// The offset of a jump counts from the instruction after it.
constexpr bpf_insn jump(int at, int operation, std::int32_t value, int target) {
  return instruction(BPF_JMP | operation | BPF_K, 0, 0, target - at - 1, value);
}

auto make_program(int v4_map, int v6_map) {
  constexpr int kLoadByte = BPF_LD | BPF_ABS | BPF_B;
  constexpr int kLoadWord = BPF_LD | BPF_ABS | BPF_W;
  constexpr int kStoreWord = BPF_STX | BPF_MEM | BPF_W;
  constexpr int kStoreNumber = BPF_ST | BPF_MEM | BPF_W;
  constexpr int kMove = BPF_ALU64 | BPF_MOV | BPF_X;
  constexpr int kMoveNumber = BPF_ALU64 | BPF_MOV | BPF_K;
  constexpr int kToNetworkOrder = BPF_ALU | BPF_END | BPF_TO_BE;
  constexpr int kLoadMap = BPF_LD | BPF_DW | BPF_IMM;
  return std::array{
      instruction(kMove, 6, 1, 0, 0),                        // r6 = packet, for the loads
      instruction(kLoadByte, 0, 0, 0, 0),                    // r0 = packet[0]
      instruction(BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, 4),  // r0 >>= 4: the version
      jump(3, BPF_JEQ, 6, kV6),
      jump(4, BPF_JNE, 4, kNone),
      instruction(kLoadWord, 0, 0, 0, kV4Destination),
      instruction(kToNetworkOrder, 0, 0, 0, 32),
      instruction(kStoreWord, 10, 0, kV4Key + 4, 0),
      instruction(kStoreNumber, 10, 0, kV4Key, 32),
      instruction(kMove, 2, 10, 0, 0),  // r2 = the key
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, kV4Key),
      instruction(kLoadMap, 1, BPF_PSEUDO_MAP_FD, 0, v4_map),  // r1 = the map (two instructions)
      instruction(0, 0, 0, 0, 0),
      jump(13, BPF_JA, 0, kLookUp),
      // kV6:
      instruction(kStoreNumber, 10, 0, kV6Key, 128),
      instruction(kLoadWord, 0, 0, 0, kV6Destination),
      instruction(kToNetworkOrder, 0, 0, 0, 32),
      instruction(kStoreWord, 10, 0, kV6Key + 4, 0),
      instruction(kLoadWord, 0, 0, 0, kV6Destination + 4),
      instruction(kToNetworkOrder, 0, 0, 0, 32),
      instruction(kStoreWord, 10, 0, kV6Key + 8, 0),
      instruction(kLoadWord, 0, 0, 0, kV6Destination + 8),
      instruction(kToNetworkOrder, 0, 0, 0, 32),
      instruction(kStoreWord, 10, 0, kV6Key + 12, 0),
      instruction(kLoadWord, 0, 0, 0, kV6Destination + 12),
      instruction(kToNetworkOrder, 0, 0, 0, 32),
      instruction(kStoreWord, 10, 0, kV6Key + 16, 0),
      instruction(kMove, 2, 10, 0, 0),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, kV6Key),
      instruction(kLoadMap, 1, BPF_PSEUDO_MAP_FD, 0, v6_map),
      instruction(0, 0, 0, 0, 0),
      // kLookUp:
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),  // r0 = the value, or null
      jump(32, BPF_JEQ, 0, kEnd),                                          // no such prefix
      instruction(BPF_LDX | BPF_MEM | BPF_W, 0, 0, 0, 0),                  // r0 = *r0
      // kEnd:
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
      // kNone:
      instruction(kMoveNumber, 0, 0, 0, 0),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
}

Result<FileDescriptor> load_program(int v4_map, int v6_map) {
  const auto program = make_program(v4_map, v6_map);
  static constexpr char kLicense[] = "MIT";
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attributes.insns = address_of(program.data());
  attributes.insn_cnt = static_cast<__u32>(program.size());
  attributes.license = address_of(kLicense);
  FileDescriptor fd(bpf(BPF_PROG_LOAD, attributes));
  if (!fd) return system_error(errno, "bpf(BPF_PROG_LOAD)");
  return fd;
}

// `apply` is given the key in the form of its family.
template <class Apply>
auto with_key(const Prefix& prefix, Apply apply) {
  if (prefix.address.family == Family::kIpv6) return apply(Key<16>{prefix.length, prefix.address.bytes});
  Key<4> key{prefix.length, {}};
  std::copy_n(prefix.address.bytes.begin(), key.address.size(), key.address.begin());
  return apply(key);
}

}  // namespace

Result<TunSteering> TunSteering::attach(int queue, std::uint32_t most_prefixes) {
  auto v4 = make_trie(sizeof(Key<4>), most_prefixes);
  if (!v4) return std::move(v4).error();
  auto v6 = make_trie(sizeof(Key<16>), most_prefixes);
  if (!v6) return std::move(v6).error();
  auto program = load_program(v4->get(), v6->get());
  if (!program) return std::move(program).error();
  const int fd = program->get();
  if (::ioctl(queue, TUNSETSTEERINGEBPF, &fd) < 0) return system_error(errno, "TUNSETSTEERINGEBPF");
  return TunSteering(std::move(*v4), std::move(*v6));
}

void TunSteering::detach(int queue) noexcept {
  const int none = -1;
  ::ioctl(queue, TUNSETSTEERINGEBPF, &none);
}

// As bpf(2) returns.
int TunSteering::update(const Prefix& prefix, std::uint32_t queue) noexcept {
  return with_key(prefix, [&](const auto& key) {
    bpf_attr attributes{};
    attributes.map_fd = static_cast<__u32>(prefix.address.family == Family::kIpv6 ? v6_.get() : v4_.get());
    attributes.key = address_of(&key);
    attributes.value = address_of(&queue);
    attributes.flags = BPF_ANY;
    return bpf(BPF_MAP_UPDATE_ELEM, attributes);
  });
}

Result<void> TunSteering::set(const Prefix& prefix, std::uint32_t queue) {
  int result = update(prefix, queue);
  // Before Linux 6.13 a full trie replaces nothing either (trie_update_elem() counts first and looks then), and the queue of before
  // would stay for good.
  if (result < 0 && errno == ENOSPC) {
    if (remove(prefix) != 0) return system_error(ENOSPC, "bpf(BPF_MAP_UPDATE_ELEM)");
    result = update(prefix, queue);
  }
  if (result < 0) return system_error(errno, "bpf(BPF_MAP_UPDATE_ELEM)");
  return {};
}

int TunSteering::remove(const Prefix& prefix) noexcept {
  return with_key(prefix, [&](const auto& key) {
    bpf_attr attributes{};
    attributes.map_fd = static_cast<__u32>(prefix.address.family == Family::kIpv6 ? v6_.get() : v4_.get());
    attributes.key = address_of(&key);
    return bpf(BPF_MAP_DELETE_ELEM, attributes) == 0 ? 0 : errno;
  });
}

}  // namespace wgu::io
