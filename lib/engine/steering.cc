// The program sees the UDP payload. It returns a member of the group, in the order of the workers; a number that is no member
// makes the kernel hash. A load beyond the packet would end it with 0, so it looks at the length first.
#include "engine/steering.h"

#include <linux/filter.h>

#include "noise/messages.h"

namespace wgu::engine {

io::SocketSteering receiver_index_steering(unsigned workers) {
  using noise::MessageType;
  if (workers < 2) return {};
  constexpr std::uint32_t kNoMember = 0xFFFFFFFF;
  constexpr auto number = [](MessageType type) { return static_cast<std::uint32_t>(type); };
  constexpr std::uint16_t kLoadByte = BPF_LD | BPF_B | BPF_ABS;
  constexpr std::uint16_t kJumpIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr std::uint16_t kJumpIfNotBelow = BPF_JMP | BPF_JGE | BPF_K;
  // A jump's two numbers are instructions to skip: when true, when false.
  return {{
      {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
      {kJumpIfNotBelow, 0, 9, noise::kDataMinSize},                // shorter than any message: hash
      {kLoadByte, 0, 0, 0},                                        // the type
      {kJumpIfEqual, 4, 0, number(MessageType::kData)},            // -> data
      {kJumpIfEqual, 3, 0, number(MessageType::kCookieReply)},     // -> data
      {kJumpIfEqual, 0, 5, number(MessageType::kResponse)},        // else: hash
      {kLoadByte, 0, 0, noise::Response::kReceiver},               // response: the index's low byte
      {BPF_JMP | BPF_JA, 0, 0, 1},                                 // -> compare
      {kLoadByte, 0, 0, noise::Data::kReceiver},                   // data: the index's low byte
      {kJumpIfNotBelow, 1, 0, workers},                            // compare: names no worker: hash
      {BPF_RET | BPF_A, 0, 0, 0},
      {BPF_RET | BPF_K, 0, 0, kNoMember},                          // hash
  }};
}

static_assert(noise::Data::kReceiver == noise::CookieReply::kReceiver, "one load serves both");

}  // namespace wgu::engine
