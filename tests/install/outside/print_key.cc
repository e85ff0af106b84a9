// The smallest use of an installed wgu: prints a fresh public key.

#include <cstdio>

#include "wgu/key.h"

int main() {
  const std::string key = wgu::PrivateKey::generate().public_key().base64();
  std::puts(key.c_str());
  return wgu::PublicKey::from_base64(key).ok() ? 0 : 1;
}
