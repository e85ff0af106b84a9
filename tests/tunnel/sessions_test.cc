// The rotation of keypairs (kernel noise.c, whitepaper 6.3) as a table: letters are sessions; upper case ours as initiator.

#include "tunnel/sessions.h"

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <random>
#include <string>

namespace wgu::tunnel {
namespace {

class Rotation {
 public:
  void add(char name) {
    auto keypair = std::make_unique<noise::Keypair>();
    keypair->keys = crypto::Secret<noise::SessionKeys>(slab_);
    keypair->local_index = indices_.insert(nullptr);
    keypair->is_initiator = std::isupper(name) != 0;
    index_of_[name] = keypair->local_index;
    keypairs_[name] = keypair.get();
    sessions_.add(std::move(keypair));
  }
  bool confirm(char name) { return sessions_.confirm(keypairs_.at(name)); }
  void step(const std::string& what) { what.size() == 2 ? (void)confirm(what[1]) : add(what[0]); }

  // previous, current, next; '-' for none. Each is known by its index, and nobody else is.
  [[nodiscard]] std::string state() const {
    std::string text;
    for (const noise::Keypair* keypair : {sessions_.previous(), sessions_.current(), sessions_.next()}) {
      char name = '-';
      for (const auto& [letter, pointer] : keypairs_) {
        if (keypair != nullptr && pointer == keypair && keypair->local_index == index_of_.at(letter)) name = letter;
      }
      text += name;
    }
    std::size_t held = 0;
    for (const noise::Keypair* keypair : {sessions_.previous(), sessions_.current(), sessions_.next()}) {
      if (keypair == nullptr) continue;
      ++held;
      const auto* entry = indices_.find(keypair->local_index);
      EXPECT_TRUE(entry != nullptr && entry->keypair == keypair);
    }
    EXPECT_EQ(indices_.size(), held);
    EXPECT_EQ(slab_.in_use(), held) << "keys live exactly as long as their session";
    return text;
  }

  crypto::SecretSlab slab_{sizeof(noise::SessionKeys)};
  IndexTable indices_{0, [random = std::mt19937(1)](std::span<std::uint8_t> bytes) mutable {
                        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
                      }};
  Sessions sessions_{indices_};

 private:
  std::map<char, std::uint32_t> index_of_;
  std::map<char, const noise::Keypair*> keypairs_;
};

TEST(Sessions, RotateAsTheTableSays) {
  const struct {
    std::vector<std::string> steps;  // a name: that session begins; "?x": a packet arrives under x
    const char* state;
  } rows[] = {
      {{}, "---"},
      {{"A"}, "-A-"},
      {{"A", "B"}, "AB-"},
      {{"A", "B", "C"}, "BC-"},
      {{"a"}, "--a"},
      {{"a", "?a"}, "-a-"},
      {{"a", "?a", "?a"}, "-a-"},
      {{"a", "b"}, "--b"},        // never confirmed
      {{"A", "b"}, "-Ab"},        // still sending with ours
      {{"A", "b", "?A"}, "-Ab"},  // a packet under current confirms nothing
      {{"A", "b", "?b"}, "Ab-"},
      {{"A", "B", "c"}, "-Bc"},  // a new next ends previous
      {{"A", "B", "c", "?c"}, "Bc-"},
      {{"A", "b", "?b", "c"}, "-bc"},
      {{"A", "b", "?b", "c", "?c", "d", "?d"}, "cd-"},
      {{"a", "?a", "b", "?b", "C"}, "bC-"},
      // Crossing handshakes: our response came after we had answered theirs. They may use b, or C.
      {{"b", "C"}, "bC-"},
      {{"A", "b", "C"}, "bC-"},  // current A goes, next b is kept as previous
      {{"A", "b", "C", "?b"}, "bC-"},
      {{"A", "B", "c", "D"}, "cD-"},
      {{"A", "b", "C", "d", "?d"}, "Cd-"},
  };
  for (const auto& row : rows) {
    Rotation rotation;
    std::string steps;
    for (const std::string& step : row.steps) {
      rotation.step(step);
      steps += step + ' ';
      EXPECT_NE(rotation.state(), "");
    }
    EXPECT_EQ(rotation.state(), row.state) << steps;
  }
}

TEST(Sessions, ConfirmSaysWhetherItDid) {
  Rotation rotation;
  rotation.add('A');
  EXPECT_FALSE(rotation.confirm('A'));
  rotation.add('b');
  EXPECT_TRUE(rotation.confirm('b'));
  EXPECT_FALSE(rotation.confirm('b'));
}

TEST(Sessions, ClearErasesAll) {
  Rotation rotation;
  for (const char name : {'A', 'B', 'c'}) rotation.add(name);
  rotation.sessions_.clear();
  EXPECT_EQ(rotation.state(), "---");
}

TEST(Sessions, RetiredOnesReceiveOnly) {
  Rotation rotation;
  for (const char name : {'A', 'b'}) rotation.add(name);
  rotation.sessions_.retire_for_sending();
  EXPECT_FALSE(rotation.sessions_.current()->can_send({}));
  EXPECT_TRUE(rotation.sessions_.current()->can_receive({}));
  EXPECT_TRUE(rotation.confirm('b'));
  EXPECT_FALSE(rotation.sessions_.current()->can_send({})) << "confirming it revives nothing";
}

}  // namespace
}  // namespace wgu::tunnel
