// intel-ipsec-mb through its job interface, without the argument checks: get a job, fill it in, submit. ChaCha20-Poly1305 jobs come
// back finished from their own submission; the caller compares tags.
#include <intel-ipsec-mb.h>

#include <array>
#include <memory>

#include "bench/micro/comparators/comparator.h"
#include "crypto/aead_kernels.h"

namespace {

using wgu::crypto::kAeadTagSize;
using wgu::crypto::nonce_of;

constexpr std::size_t kNonceSize = 12;

struct FreeManager {
  void operator()(IMB_MGR* manager) const noexcept { free_mb_mgr(manager); }
};

struct Context {
  std::unique_ptr<IMB_MGR, FreeManager> manager;
  const std::uint8_t* key;
};

const char* version() noexcept { return imb_get_version_str(); }

void* make_context(const std::uint8_t* key) noexcept {
  auto context = std::make_unique<Context>();
  context->manager.reset(alloc_mb_mgr(0));
  context->key = key;
  if (!context->manager) return nullptr;
  init_mb_mgr_auto(context->manager.get(), nullptr);
  return imb_get_errno(context->manager.get()) == 0 ? context.release() : nullptr;
}

void free_context(void* context) noexcept { delete static_cast<Context*>(context); }

bool run_job(void* context, IMB_CIPHER_DIRECTION direction, std::uint64_t counter, const std::uint8_t* in, std::uint8_t* out,
             std::size_t length, std::uint8_t* tag) noexcept {
  const Context& session = *static_cast<Context*>(context);
  const auto nonce = nonce_of(counter);
  IMB_JOB* job = IMB_GET_NEXT_JOB(session.manager.get());
  job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
  job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
  job->cipher_direction = direction;
  job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
  job->enc_keys = session.key;
  job->dec_keys = session.key;
  job->key_len_in_bytes = wgu::crypto::kAeadKeySize;
  job->iv = nonce.data();
  job->iv_len_in_bytes = kNonceSize;
  job->u.CHACHA20_POLY1305.aad = in;  // of no length, but not null
  job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
  job->src = in;
  job->dst = out;
  job->cipher_start_src_offset_in_bytes = 0;
  job->msg_len_to_cipher_in_bytes = length;
  job->hash_start_src_offset_in_bytes = 0;
  job->msg_len_to_hash_in_bytes = length;
  job->auth_tag_output = tag;
  job->auth_tag_output_len_in_bytes = kAeadTagSize;
  job = IMB_SUBMIT_JOB_NOCHECK(session.manager.get());
  return job != nullptr && job->status == IMB_STATUS_COMPLETED;
}

void seal(void* context, const wgu::crypto::SealJob& job) noexcept {
  run_job(context, IMB_DIR_ENCRYPT, job.counter, job.in, job.out, job.length, job.out + job.length);
}

bool open(void* context, const wgu::crypto::OpenJob& job) noexcept {
  const std::size_t length = job.length - kAeadTagSize;
  std::array<std::uint8_t, kAeadTagSize> tag;
  if (!run_job(context, IMB_DIR_DECRYPT, job.counter, job.in, job.out, length, tag.data())) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < kAeadTagSize; ++i) difference |= static_cast<unsigned>(tag[i] ^ job.in[length + i]);
  return difference == 0;
}

constexpr wgu::bench::Comparator kIpsecMb = {"ipsec_mb", version, make_context, free_context, seal, open};

}  // namespace

extern "C" __attribute__((visibility("default"))) const wgu::bench::Comparator* wgu_bench_comparator() noexcept { return &kIpsecMb; }
