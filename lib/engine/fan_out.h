#pragma once
// Sealing and opening are pure functions of bytes, so one hot worker's batch may be done by several: the worker cuts it into shares
// and takes them one after the other, workers that would otherwise sleep take some too, and it goes on when all are done. Order is
// that of the batch, since nothing but the bytes of a job is touched elsewhere.
//
//   owner:   share -> offer, wake the idle -> take shares until none is left -> wait for those that others took
//   helper:  woken -> help -> take shares until none is left
//
// Lock-free. An owner waits only for shares that a helper is at work on: a few microseconds, or as long as the kernel keeps the
// helper off its CPU.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/aead.h"
#include "wgu/time.h"

namespace wgu::engine {

// One worker's work to give away; its owner is the only one who offers.
class FanOut {
 public:
  static constexpr std::size_t kMaxShares = 256;

  // Owner: `jobs` in `shares` parts of about equal bytes; returns when all is done. `wake` is called once the offer stands.
  // \pre 1 <= shares <= kMaxShares, and the jobs are not changed by anyone until then
  template <class Wake>
  void seal(std::span<crypto::SealJob> jobs, std::size_t shares, Wake wake) noexcept {
    seal_jobs_ = jobs;
    open_jobs_ = {};
    offer(jobs.size(), shares);
    wake();
    finish();
  }
  template <class Wake>
  void open(std::span<crypto::OpenJob> jobs, std::size_t shares, Wake wake) noexcept {
    seal_jobs_ = {};
    open_jobs_ = jobs;
    offer(jobs.size(), shares);
    wake();
    finish();
  }

  // Any other worker: takes shares as long as there are. Returns how many.
  std::size_t help() noexcept;

 private:
  void offer(std::size_t jobs, std::size_t shares) noexcept;
  void finish() noexcept;
  bool take_share(std::size_t& share) noexcept;
  void do_share(std::size_t share) noexcept;

  // Read by who has taken a share of the offer that they belong to.
  std::span<crypto::SealJob> seal_jobs_;
  std::span<crypto::OpenJob> open_jobs_;
  std::size_t jobs_ = 0;
  std::size_t shares_ = 0;
  // The offer's number (32 bits), its shares (16), and the next to be taken (16): one word, so that a share is taken of the very
  // offer that was looked at.
  alignas(64) std::atomic<std::uint64_t> offer_{0};
  alignas(64) std::atomic<std::uint32_t> done_{0};  // shares of this offer
};

// When is a batch worth sharing? Waking another worker costs a few microseconds of ours and tens until it runs.
class FanOutPolicy {
 public:
  // Into how many shares to cut a batch of that many bytes if there is anybody to take one; 1: do it alone.
  [[nodiscard]] std::size_t shares_for(std::size_t bytes) const noexcept;
  // How long a batch took that was done alone.
  void learn(std::size_t bytes, Duration took) noexcept;

 private:
  double nanoseconds_per_byte_ = 0;  // 0: not known yet
};

}  // namespace wgu::engine
