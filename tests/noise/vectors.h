#pragma once
// Written by vectors.py (an independent implementation of the whitepaper in Python). Do not edit.

namespace wgu::noise::vectors {

// Both parties' keys.
inline constexpr const char* kInitiatorPrivate =
    "aedc009c0a18f0a04818adc4311ced98b49b062992b25a17e797461b7ff2bdc0";
inline constexpr const char* kInitiatorPublic =
    "5173b1daa2cc1c8b31699b14d00b521150ca863326a177323fa073fab8dbfa77";
inline constexpr const char* kInitiatorEphemeral =
    "cf4e6fa48583f2872fd274cd70e0306fc409640807aa6daba44f2e74fe4d3a78";
inline constexpr const char* kResponderPrivate =
    "ba7a4771b9dde857d076580076270e94aa224609c3826e8e305af152525c1aea";
inline constexpr const char* kResponderPublic =
    "b80b8bf58fafe8382d848f4dee98f0da0c4d785dc439cddb3d61919a9da01f63";
inline constexpr const char* kResponderEphemeral =
    "526c71b580263eb70feaa70b3d7896745e957788a1b1479db19d716a450b5e06";
inline constexpr const char* kPreshared =
    "34bdeb3ed705bf790efde7f522055aa2911faf1ff3ae744d7ca387419ae63ca7";
inline constexpr const char* kTimestamp =
    "400000006553f10a12000000";

// Messages up to and including MAC1. Sender index 0x01020304 (initiator), 0xa0b0c0d0 (responder).
inline constexpr const char* kInitiation =
    "010000000403020112a943380667058b56a4b8a62468380d3089222ee7c36f6f8eb480aec061095c7fe4191f6c1a69e882f3b6ffd2a24ce79c11133d34861e41"
    "6cf9a2ad8c269ba20ce6c876b43e0a92285d4089949c3ca47d814d5dde2833f17b7bf353e750d39e46213768288cdf83947587e4bdc9fb449778f9bccd62441a"
    "e6ac1b4e";
inline constexpr const char* kResponse =
    "02000000d0c0b0a004030201c52ac16c2536e65cb3ed800a77ad1823fbf2417487debd130a5a4a3c8e19c3648aaf5c90c004b142655ce38c7c96d206d8c9c469"
    "b20c4422b0ec3551069a4e2e";
inline constexpr const char* kResponseWithoutPreshared =
    "02000000d0c0b0a004030201c52ac16c2536e65cb3ed800a77ad1823fbf2417487debd130a5a4a3c8e19c3642930ddd369f52f04b8166456bc62371c0ae407f8"
    "752508043c45ac4866089287";

// Transport keys: the initiator sends with the first.
inline constexpr const char* kFirst =
    "24cffc45a5d665e0687db70a0b4387719208c558195dd62d5b770108a9345841";
inline constexpr const char* kSecond =
    "4599600bc6aaef04ca9b35537d012e9ef1405fb8ef05aa268a0d2ef7d85139c6";
inline constexpr const char* kFirstWithoutPreshared =
    "36b87fe58c5b9213cab4e6adc3201b1a5bfd085fad37e81a55d0382955c192cd";
inline constexpr const char* kSecondWithoutPreshared =
    "766adf5deecd7db82a7f06da469b003c15527c89acfaa2b96503735f343333cc";

// Cookie reply to that initiation from 192.0.2.1:51820 and from [2001:db8::1]:51820, and the MAC2 made with each.
inline constexpr const char* kDeviceSecret =
    "749d1ee21da9ad3bc7719e3dc2fa9863f5c6fd03c71d1b21f20991a773ebaf82";
inline constexpr const char* kNonce =
    "9b4a49800e76b0c5804443ec964a3c4abca6af8dbca642a0";
inline constexpr const char* kCookieReply4 =
    "03000000040302019b4a49800e76b0c5804443ec964a3c4abca6af8dbca642a096a23d49f7c25307225b49505ce3fea0bb827a229339f00d02030093bec20d6a";
inline constexpr const char* kCookieReply6 =
    "03000000040302019b4a49800e76b0c5804443ec964a3c4abca6af8dbca642a0c8f9ee3525882f8a042fe8f2f00ef5f79361d7ed03d2e2f5a846d745709e2075";
inline constexpr const char* kMac2With4 =
    "dbda5beed809d3fbd6fbb88b5c321dbe";
inline constexpr const char* kMac2With6 =
    "e77d87258a03f33f63b44c07895ff383";

}  // namespace wgu::noise::vectors
