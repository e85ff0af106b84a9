// The emulation is right: every form equals the CPU's own instruction where there is one, on any machine each form written here equals
// its definition, written out again from the manual, and neither table nor definitions miss one that the kernel uses.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "crypto/emulation/forms.h"

namespace wgu::crypto::emulation {
namespace {

using U8 = std::uint8_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

template <class Word>
Word word(const U8* bytes, std::size_t i) {
  Word value;
  std::memcpy(&value, bytes + i * sizeof value, sizeof value);
  return value;
}

template <class Word>
void put(U8* bytes, std::size_t i, Word value) {
  std::memcpy(bytes + i * sizeof value, &value, sizeof value);
}

// Words where carries, comparisons and products turn, among random ones.
class OperandSource {
 public:
  Operands next() {
    Operands x;
    for (U8* vector : {x.a, x.b, x.c}) {
      for (std::size_t i = 0; i < 8; ++i) put(vector, i, next_word());
    }
    if (random_() % 4 == 0) std::memcpy(x.b, x.a, 8 * (random_() % 9));  // equal lanes
    x.mask = random_() % 8 == 0 ? (random_() % 2 == 0 ? 0 : ~U64{0}) : random_();
    return x;
  }

 private:
  U64 next_word() {
    constexpr U64 kEdges[] = {0,
                              1,
                              (U64{1} << 44) - 1,
                              U64{1} << 51,
                              (U64{1} << 52) - 1,
                              U64{1} << 52,
                              U64{1} << 63,
                              (U64{1} << 63) - 1,
                              0xffffffff,
                              0x80000000,
                              ~U64{0} << 32,
                              ~U64{0} - 1,
                              ~U64{0}};
    return random_() % 3 == 0 ? kEdges[random_() % std::size(kEdges)] : random_();
  }
  std::mt19937_64 random_{20261123};
};

constexpr int kRounds = 3000;

Results run(const Form& form, const Operands& x) {
  Results results;
  std::memset(&results, 0xa5, sizeof results);
  form.run(x, results);
  return results;
}

const Form* find(std::span<const Form> forms, const std::string& name) {
  const auto found = std::ranges::find_if(forms, [&](const Form& form) { return form.name == name; });
  return found == forms.end() ? nullptr : &*found;
}

#if defined(__x86_64__)
TEST(EmulatedAvx512, EveryFormEqualsTheInstruction) {
  if (!runs_real_forms()) GTEST_SKIP() << "this CPU lacks AVX-512 with IFMA";
  ASSERT_EQ(kEmulatedForms.size(), kRealForms.size());
  for (std::size_t i = 0; i < kRealForms.size(); ++i) {
    SCOPED_TRACE(kRealForms[i].name);
    ASSERT_STREQ(kEmulatedForms[i].name, kRealForms[i].name);
    OperandSource operands;
    for (int round = 0; round < kRounds; ++round) {
      const Operands x = operands.next();
      const Results emulated = run(kEmulatedForms[i], x);
      const Results real = run(kRealForms[i], x);
      ASSERT_EQ(std::memcmp(&emulated, &real, sizeof real), 0) << "round " << round;
    }
  }
}
#endif

using Definition = std::function<void(const Operands&, Results&)>;

// Lane by lane: where `chosen` says so, what `value` says, otherwise what stands in `other` (nothing: zero).
template <class Word, std::size_t kCount = 64 / sizeof(Word)>
Definition masked(std::function<Word(const Operands&, std::size_t)> value, U8 const (Operands::*other)[64] = nullptr) {
  return [=](const Operands& x, Results& r) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const bool is_chosen = (x.mask & U64{1} << i) != 0;
      put<Word>(r.vector[0], i, is_chosen ? value(x, i) : other == nullptr ? Word{0} : word<Word>(x.*other, i));
    }
  };
}

Definition mask_of(bool (*is_set)(U64, U64)) {
  return [=](const Operands& x, Results& r) {
    U64 mask = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      if (is_set(word<U64>(x.a, i), word<U64>(x.b, i))) mask += U64{1} << i;
    }
    put(r.vector[0], 0, mask);
  };
}

// As on paper, in halves of 26 bits: no wider type is needed.
U64 madd52(bool is_high, U64 c, U64 a, U64 b) {
  constexpr U64 kHalf = (U64{1} << 26) - 1;
  const U64 a0 = a & kHalf, a1 = a >> 26 & kHalf, b0 = b & kHalf, b1 = b >> 26 & kHalf;
  const U64 middle = (a0 * b0 >> 26) + (a0 * b1 & kHalf) + (a1 * b0 & kHalf);
  const U64 low = (a0 * b0 & kHalf) | (middle & kHalf) << 26;
  const U64 high = (middle >> 26) + (a0 * b1 >> 26) + (a1 * b0 >> 26) + a1 * b1;
  return c + (is_high ? high : low);
}

Definition madd52_lanes(bool is_high) {
  return [=](const Operands& x, Results& r) {
    for (std::size_t i = 0; i < 8; ++i) put(r.vector[0], i, madd52(is_high, word<U64>(x.c, i), word<U64>(x.a, i), word<U64>(x.b, i)));
  };
}

// Shuffles of the table run with 64 orders, 5 apart.
Definition for_each_order(void (*shuffle)(const Operands&, unsigned order, U8* result)) {
  return [=](const Operands& x, Results& r) {
    for (unsigned number = 0; number < 64; ++number) shuffle(x, number * 5 % 256, r.vector[number]);
  };
}

void shuffle_words(const Operands& x, unsigned order, U8* result) {
  for (unsigned quarter = 0; quarter < 4; ++quarter) {
    for (unsigned place = 0; place < 4; ++place) {
      put(result, 4 * quarter + place, word<U32>(x.a, 4 * quarter + order / (1u << 2 * place) % 4));
    }
  }
}

void shuffle_quarters(const Operands& x, unsigned order, U8* result) {
  std::memcpy(result, x.a + 16 * (order & 3), 16);
  std::memcpy(result + 16, x.a + 16 * (order / 4 & 3), 16);
  std::memcpy(result + 32, x.b + 16 * (order / 16 & 3), 16);
  std::memcpy(result + 48, x.b + 16 * (order / 64), 16);
}

// What the emulation's own forms are by the instruction set's manual.
const std::map<std::string, Definition>& definitions() {
  static const std::map<std::string, Definition> all = {
      {"_mm256_mask_mov_epi32", masked<U32, 8>([](const Operands& x, std::size_t i) { return word<U32>(x.b, i); }, &Operands::a)},
      {"_mm256_mask_set1_epi32", masked<U32, 8>([](const Operands& x, std::size_t) { return word<U32>(x.b, 0); }, &Operands::a)},
      {"_mm512_mask_mov_epi32", masked<U32>([](const Operands& x, std::size_t i) { return word<U32>(x.b, i); }, &Operands::a)},
      {"_mm512_mask_set1_epi32", masked<U32>([](const Operands& x, std::size_t) { return word<U32>(x.b, 0); }, &Operands::a)},
      {"_mm512_mask_mov_epi64", masked<U64>([](const Operands& x, std::size_t i) { return word<U64>(x.b, i); }, &Operands::a)},
      {"_mm512_mask_add_epi64",
       masked<U64>([](const Operands& x, std::size_t i) { return word<U64>(x.a, i) + word<U64>(x.b, i); }, &Operands::c)},
      {"_mm512_maskz_mov_epi64", masked<U64>([](const Operands& x, std::size_t i) { return word<U64>(x.a, i); })},
      {"_mm512_maskz_set1_epi64", masked<U64>([](const Operands& x, std::size_t) { return word<U64>(x.a, 0); })},
      {"_mm512_maskz_loadu_epi8", masked<U8>([](const Operands& x, std::size_t i) { return i < 63 ? x.a[i + 1] : x.b[0]; })},
      {"_mm512_mask_storeu_epi8",
       [](const Operands& x, Results& r) {
         auto* to = reinterpret_cast<U8*>(&r) + 1;
         for (std::size_t i = 0; i < 64; ++i) {
           if ((x.mask & U64{1} << i) != 0) to[i] = x.a[i];
         }
       }},
      {"_mm512_cmplt_epu64_mask", mask_of([](U64 a, U64 b) { return a < b; })},
      {"_mm512_cmple_epu64_mask", mask_of([](U64 a, U64 b) { return a <= b; })},
      {"_mm512_test_epi64_mask", mask_of([](U64 a, U64 b) { return (a & b) != 0; })},
      {"_mm512_cvtepu8_epi64",
       [](const Operands& x, Results& r) {
         for (std::size_t i = 0; i < 8; ++i) put(r.vector[0], i, U64{x.a[i]});
       }},
      {"_mm512_madd52lo_epu64", madd52_lanes(false)},
      {"_mm512_madd52hi_epu64", madd52_lanes(true)},
      {"_mm512_shuffle_epi32", for_each_order(shuffle_words)},
      {"_mm512_shuffle_i64x2", for_each_order(shuffle_quarters)},
  };
  return all;
}

TEST(EmulatedAvx512, OwnFormsEqualTheirDefinitions) {
  for (const auto& [name, define] : definitions()) {
    SCOPED_TRACE(name);
    const Form* form = find(kEmulatedForms, name);
    ASSERT_NE(form, nullptr);
    OperandSource operands;
    for (int round = 0; round < kRounds; ++round) {
      const Operands x = operands.next();
      Results expected;
      std::memset(&expected, 0xa5, sizeof expected);
      define(x, expected);
      const Results emulated = run(*form, x);
      ASSERT_EQ(std::memcmp(&emulated, &expected, sizeof expected), 0) << "round " << round;
    }
  }
}

std::set<std::string> names_in(const std::string& path, const char* pattern) {
  std::ifstream file(std::string(WGU_SOURCES) + path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string code = text.str();
  const std::regex name(pattern);
  std::set<std::string> names;
  for (auto at = std::sregex_iterator(code.begin(), code.end(), name); at != std::sregex_iterator(); ++at) names.insert(at->str(1));
  return names;
}

TEST(EmulatedAvx512, TheKernelUsesNothingUntested) {
  std::set<std::string> used;
  for (const char* part : {"avx512.cc", "avx512_chacha20.h", "avx512_chain.h", "avx512_poly1305.h", "avx512_states.h", "avx512_woven.h"}) {
    used.merge(names_in(std::string("/lib/crypto/kernels/") + part, R"(\b(_(?:mm\d*|MM)_\w+))"));
  }
  EXPECT_GT(used.size(), 20u);
  for (const std::string& name : used) EXPECT_NE(find(kEmulatedForms, name), nullptr) << name << " has no row in forms.cc";
  const auto own = names_in("/tests/crypto/emulation/avx512.h", R"(inline \w+ (_mm\w+)\()");
  EXPECT_GT(own.size(), 10u);
  for (const std::string& name : own) EXPECT_TRUE(definitions().contains(name)) << name << " has no definition here";
}

}  // namespace
}  // namespace wgu::crypto::emulation
