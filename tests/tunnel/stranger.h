#pragma once
// Somebody who makes handshake messages by hand, at whatever pace.

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "noise/cookie.h"
#include "noise/handshake.h"
#include "tunnel/device.h"

namespace wgu::tunnel {

class Stranger {
 public:
  explicit Stranger(const Device& target, std::string_view key_name = "stranger")
      : jar(target.public_key()), identity_{key_of(key_name), key_of(key_name).public_key()}, handshake_(slab_, target.public_key()) {
    handshake_.set_identity(identity_);
  }
  // Authentic with the key's name, and each newer than the last.
  Bytes initiation(Instant now) {
    Bytes message(148);
    seconds_ += 1;
    const crypto::Hash ephemeral = hash_of("ephemeral " + std::to_string(seconds_));
    EXPECT_TRUE(handshake_.create_initiation(identity_, ephemeral, noise::tai64n({seconds_, 0}), 0x12345600,
                                             std::span<std::uint8_t, 148>(message)));
    jar.add_macs(message, now);
    return message;
  }
  // Costs its maker nothing: only MAC1 is right.
  Bytes junk(Instant now) {
    Bytes message(148);
    for (std::uint8_t& byte : message) byte = static_cast<std::uint8_t>(random_());
    noise::store32(message.data(), 1);
    jar.add_macs(message, now);
    return message;
  }
  noise::CookieJar jar;

 private:
  crypto::SecretSlab slab_{sizeof(noise::PeerSecrets)};
  noise::Identity identity_;
  noise::Handshake handshake_;
  std::int64_t seconds_ = 2'000'000'000;
  std::mt19937 random_{7};
};

}  // namespace wgu::tunnel
