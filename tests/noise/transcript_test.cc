// The published Noise vector of our protocol name (cacophony's collection), run on Transcript by both parties: WireGuard fixes
// prologue and payloads, so its own functions cannot take it.

#include "noise/transcript.h"

#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "noise/bytes.h"

namespace wgu::noise {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kName = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
constexpr std::string_view kPrologue = "4a6f686e2047616c74";
constexpr std::string_view kPsk = "54686973206973206d7920417573747269616e20706572737065637469766521";
constexpr std::string_view kInitiatorStatic = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1";
constexpr std::string_view kInitiatorEphemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
constexpr std::string_view kResponderStatic = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
constexpr std::string_view kResponderStaticPublic = "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62";
constexpr std::string_view kResponderEphemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
constexpr std::string_view kHandshakeHash = "f5191b875290abcd41347ac3622d9679688a7e980229cb937ef748336cfde0e5";

struct Message {
  std::string_view payload;
  std::string_view ciphertext;
};
constexpr Message kMessages[] = {
    {"4c756477696720766f6e204d69736573",
     "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944001e21de9f98ddd8e2ad57527207feb56253c9c94a9e496782ecfcb2a75fbcaf"
     "1b52948cc48daefe660c62119ab5000980c84831215f2441eba616548e832985464cf17e51ee93109008399a21f7e13f"},
    {"4d757272617920526f746862617264",
     "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843cb765f2caef0751b8f007572dab0322217755c0632f365717edbf34d33e87a"},
    {"462e20412e20486179656b", "8153ca9833bc3c1b91a7e66e5f4d4f5b59bf9e64c2f20d15f0bba7"},
    {"4361726c204d656e676572", "07af0c9c86e1b4e80f36b04ff7688d51141af3debd0332f0a705ef"},
    {"4a65616e2d426170746973746520536179", "6ab1467c0448cc78394494abaaf23afce0e234315d6e2624dcbfa8a21c1c4d073d"},
    {"457567656e2042f6686d20766f6e2042617765726b", "dfc346c0d2296ae6cf1acf6f12b8456a1dba228cf8d8b774aacf1c47fc53aa80ebc7a4c292"},
};

using Key = std::array<std::uint8_t, 32>;

// Noise's HandshakeState, as far as IKpsk2 needs it; `buffer` is the message being written or read.
struct Party {
  explicit Party(const Key& responder_static) : transcript(crypto::hash(text_bytes(kName)), crypto::hash(text_bytes(kName))) {
    transcript.mix_hash(unhex(kPrologue));
    transcript.mix_hash(responder_static);
  }
  void dh(const Key& private_key, const Key& public_key) {
    Key shared{};
    ASSERT_TRUE(crypto::x25519(private_key, public_key, shared.data()));
    transcript.mix_key_and_derive(shared);
  }
  void write_ephemeral(const Key& private_key) {
    const PublicKey e = public_of(private_key);
    buffer.insert(buffer.end(), e.bytes.begin(), e.bytes.end());
    transcript.mix_hash(e.bytes);
    transcript.mix_key(e.bytes);
  }
  void write(std::span<const std::uint8_t> plaintext) {
    Bytes sealed(plaintext.size() + 16);
    transcript.encrypt_and_hash(plaintext, sealed.data());
    buffer.insert(buffer.end(), sealed.begin(), sealed.end());
  }
  Key read_ephemeral() {
    Key e{};
    std::copy_n(buffer.begin(), 32, e.begin());
    buffer.erase(buffer.begin(), buffer.begin() + 32);
    transcript.mix_hash(e);
    transcript.mix_key(e);
    return e;
  }
  Bytes read(std::size_t size) {
    Bytes plaintext(size);
    EXPECT_TRUE(transcript.decrypt_and_hash(std::span(buffer).first(size + 16), plaintext.data()));
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size) + 16);
    return plaintext;
  }
  Transcript transcript;
  Bytes buffer;
};

TEST(Transcript, NoiseIKpsk2Vector) {
  const Key is = unhex_array<32>(kInitiatorStatic), ie = unhex_array<32>(kInitiatorEphemeral);
  const Key rs = unhex_array<32>(kResponderStatic), re = unhex_array<32>(kResponderEphemeral);
  const Key psk = unhex_array<32>(kPsk), rs_public = public_of(rs).bytes, is_public = public_of(is).bytes;
  ASSERT_EQ(rs_public, unhex_array<32>(kResponderStaticPublic));
  Party initiator(rs_public), responder(rs_public);

  // -> e, es, s, ss
  initiator.write_ephemeral(ie);
  initiator.dh(ie, rs_public);
  initiator.write(is_public);
  initiator.dh(is, rs_public);
  initiator.write(unhex(kMessages[0].payload));
  EXPECT_EQ(initiator.buffer, unhex(kMessages[0].ciphertext));

  responder.buffer = unhex(kMessages[0].ciphertext);
  const Key ie_public = responder.read_ephemeral();
  responder.dh(rs, ie_public);
  EXPECT_EQ(responder.read(32), to_vector(is_public));
  responder.dh(rs, is_public);
  EXPECT_EQ(responder.read(responder.buffer.size() - 16), unhex(kMessages[0].payload));

  // <- e, ee, se, psk
  responder.write_ephemeral(re);
  responder.dh(re, ie_public);
  responder.dh(re, is_public);
  responder.transcript.mix_psk(psk);
  responder.write(unhex(kMessages[1].payload));
  EXPECT_EQ(responder.buffer, unhex(kMessages[1].ciphertext));

  initiator.buffer = unhex(kMessages[1].ciphertext);
  const Key re_public = initiator.read_ephemeral();
  initiator.dh(ie, re_public);
  initiator.dh(is, re_public);
  initiator.transcript.mix_psk(psk);
  EXPECT_EQ(initiator.read(initiator.buffer.size() - 16), unhex(kMessages[1].payload));

  EXPECT_EQ(to_vector(initiator.transcript.handshake_hash()), unhex(kHandshakeHash));
  EXPECT_EQ(to_vector(responder.transcript.handshake_hash()), unhex(kHandshakeHash));

  // Transport: the parties take turns, each with its own key and counter.
  Key keys[2][2];
  initiator.transcript.split(keys[0][0].data(), keys[0][1].data());
  responder.transcript.split(keys[1][0].data(), keys[1][1].data());
  EXPECT_EQ(keys[0][0], keys[1][0]);
  EXPECT_EQ(keys[0][1], keys[1][1]);
  for (std::size_t i = 2; i < std::size(kMessages); ++i) {
    const Bytes payload = unhex(kMessages[i].payload);
    Bytes sealed(payload.size() + 16);
    crypto::aead_seal(keys[0][i % 2], (i - 2) / 2, {}, payload, sealed.data());
    EXPECT_EQ(sealed, unhex(kMessages[i].ciphertext)) << i;
  }
}

TEST(Transcript, FailedDecryptChangesNothing) {
  Transcript writer(bytes_of("ck"), bytes_of("h"));
  writer.mix_key_and_derive(bytes_of("input"));
  Transcript reader = writer;
  Bytes sealed(3 + 16);
  writer.encrypt_and_hash(text_bytes("abc"), sealed.data());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes forged = sealed;
    forged[i] ^= 1;
    Bytes out{0xAA, 0xAA, 0xAA};
    EXPECT_FALSE(reader.decrypt_and_hash(forged, out.data())) << i;
    EXPECT_EQ(out, Bytes(3, 0)) << i;
    EXPECT_EQ(reader.handshake_hash(), bytes_of("h"));
  }
  std::uint8_t none = 0;
  EXPECT_FALSE(reader.decrypt_and_hash(std::span(sealed).first(15), &none));
  Bytes out(3);
  ASSERT_TRUE(reader.decrypt_and_hash(sealed, out.data()));
  EXPECT_EQ(out, to_vector(text_bytes("abc")));
  EXPECT_EQ(reader.handshake_hash(), writer.handshake_hash());
}

TEST(Transcript, EraseForgetsAll) {
  Transcript transcript(bytes_of("ck"), bytes_of("h"));
  transcript.mix_key_and_derive(bytes_of("input"));
  transcript.erase();
  const Transcript blank;
  Key first{}, second{}, blank_first{}, blank_second{};
  transcript.split(first.data(), second.data());
  blank.split(blank_first.data(), blank_second.data());
  EXPECT_EQ(first, blank_first);
  EXPECT_EQ(transcript.handshake_hash(), crypto::Hash{});
}

}  // namespace
}  // namespace wgu::noise
