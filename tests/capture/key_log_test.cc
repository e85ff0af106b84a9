#include "capture/key_log.h"

#include <gtest/gtest.h>

#include <new>
#include <string>

namespace wgu::capture {
namespace {

// Wireshark's names and form: TYPE = BASE64, a line each.
TEST(KeyLog, HasALineAKeyInWiresharksForm) {
  const auto fixed = PrivateKey::from_base64("yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=").value();
  const auto ephemeral = PrivateKey::from_base64("cAuS6FjIMVMYK2NTsRqbFr4Y8lKG9xYgEp8/t4C+ylw=").value();
  const auto preshared = PresharedKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").value();
  const auto remote = PublicKey::from_base64("HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=").value();
  const KeyLogText text({fixed.reveal(), ephemeral.reveal(), preshared.reveal(), remote});
  EXPECT_EQ(text.view(),
            "LOCAL_STATIC_PRIVATE_KEY = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
            "REMOTE_STATIC_PUBLIC_KEY = HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\n"
            "LOCAL_EPHEMERAL_PRIVATE_KEY = cAuS6FjIMVMYK2NTsRqbFr4Y8lKG9xYgEp8/t4C+ylw=\n"
            "PRESHARED_KEY = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
}

TEST(KeyLog, WithoutPresharedKeyHasNoLineForIt) {
  const auto key = PrivateKey::generate();
  const KeyLogText text({key.reveal(), key.reveal(), PresharedKey().reveal(), key.public_key()});
  EXPECT_EQ(text.view().find("PRESHARED"), std::string_view::npos);
  EXPECT_TRUE(text.view().ends_with(key.reveal_base64() + "\n"));
}

TEST(KeyLog, OfAnIdentityIsItsStaticKey) {
  const auto key = PrivateKey::generate();
  EXPECT_EQ(KeyLogText(key.reveal()).view(), "LOCAL_STATIC_PRIVATE_KEY = " + key.reveal_base64() + "\n");
  EXPECT_EQ(KeyLogText(PrivateKey().reveal()).view(), "");
}

TEST(KeyLog, IsErasedWhenItGoes) {
  alignas(KeyLogText) unsigned char place[sizeof(KeyLogText)];
  const auto key = PrivateKey::generate();
  auto* const text = new (place) KeyLogText({key.reveal(), key.reveal(), key.reveal(), key.public_key()});
  const std::string secret = key.reveal_base64();
  const auto is_there = [&] {
    return std::string_view(reinterpret_cast<const char*>(place), sizeof place).find(secret) != std::string_view::npos;
  };
  ASSERT_TRUE(is_there());
  text->~KeyLogText();
  EXPECT_FALSE(is_there());
}

}  // namespace
}  // namespace wgu::capture
