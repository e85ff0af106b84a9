// The loop on io_uring. Receiving: multishot requests that stay armed and complete into the loop's own buffers (buffer_ring.h), from
// where intake.h makes packets. Sending: one SENDMSG a train, one WRITEV a packet or super-packet of the device, submitted in
// order; MSG_DONTWAIT, RWF_NOWAIT and never IOSQE_ASYNC, so each completes while it is submitted and none overtakes another.
// A source:
//   idle --buffers, pause over--> armed --completion without CQE_F_MORE (no buffers, error, cancelled)--> idle, --deleted--> gone
// The buffers lent for reading are at most max_batch in all and lent once a wait(), which bounds what one wait() brings.
// Before Linux 6.7 (no READ_MULTISHOT; a TUN may not know NOWAIT) the device is polled and read and written by plain calls.

#include "io/ring.h"

#include <poll.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "io/system_error.h"
#include "values/probes.h"

namespace wgu::io {
namespace {

constexpr std::uint8_t kOpReadMultishot = 49;     // IORING_OP_READ_MULTISHOT, Linux 6.7; not in liburing 2.3
constexpr unsigned kEntries = 256;                // of the submission queue
constexpr unsigned kTrains = 64;                  // under way at once
constexpr std::size_t kBytesAtOnce = 256 * 1024;  // a part of the second-level cache
constexpr std::size_t kFewReads = 16;             // fewer cost throughput: 8 and 16 measured equal, 4 a quarter less

bool may_pass(int result) noexcept { return result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY || result == -ETIME; }

}  // namespace

// ---- opening and closing

Ring::Ring(const LoopOptions& options)
    : intake_(options),
      reads_(std::clamp<std::size_t>(options.max_batch / 2, 1, 1U << 12)),
      segmentation_(options.segmentation),
      do_trains_stay_(options.read_pool != nullptr),
      worker_(options.worker),
      own_buffers_(options.read_pool == nullptr ? 2 * reads_ : reads_, kReceiveBuffer),
      socket_buffers_(0, reads_, options.read_pool == nullptr ? own_buffers_ : *options.read_pool),
      device_buffers_(1, reads_, own_buffers_),
      trains_(kTrains),
      refusals_(options.discovers_path_mtu, options.train_pause) {
  receive_layout_.msg_namelen = kNameSize;
  receive_layout_.msg_controllen = kControlSize;
  sources_[0].kind = Kind::kDevice;
  sources_[1].kind = Kind::kSocketV4;
  sources_[2].kind = Kind::kSocketV6;
  free_trains_.reserve(kTrains);
  for (std::uint32_t train = kTrains; train-- > 0;) free_trains_.push_back(train);
}

Result<void> Ring::open(bool plain_device_calls) {
  if (wake_.fd() < 0) return system_error(errno, "eventfd");
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  // Room for everything that can complete between two looks: all entries, all buffers, and the ends of the multishot requests.
  params.cq_entries = std::bit_ceil(2 * (kEntries + 2 * static_cast<unsigned>(reads_) + 16));
  if (const int result = io_uring_queue_init_params(kEntries, &handle_.ring, &params); result < 0)
    return system_error(-result, "io_uring_setup(SINGLE_ISSUER | DEFER_TASKRUN, which need Linux 6.1)");
  handle_.is_open = true;
  if ((params.features & IORING_FEAT_EXT_ARG) == 0) return Error{ENOSYS, "io_uring: waiting takes no timeout (EXT_ARG)"};
  if (auto opened = socket_buffers_.open(ring()); !opened) return opened;
  is_device_by_ring_ = !plain_device_calls && knows_multishot_read();
  if (is_device_by_ring_) {
    if (auto opened = device_buffers_.open(ring()); !opened) return opened;
  } else {
    plain_buffer_.resize(kReadSize);
  }
  io_uring_register_ring_fd(&ring());  // saves looking the descriptor up on each call; harmless where it is refused
  return {};
}

Ring::~Ring() {
  if (!handle_.is_open) return;
  drain_sends();
  for (Source& source : sources_) cancel(source.kind, source.generation, source.is_armed);
  cancel(Kind::kWake, 0, is_wake_armed_);
}

bool Ring::knows_multishot_read() {
  io_uring_probe* probe = io_uring_get_probe_ring(&ring());
  if (probe == nullptr) return false;
  const bool known = io_uring_opcode_supported(probe, kOpReadMultishot) != 0;
  io_uring_free_probe(probe);
  return known;
}

// ---- replacing descriptors

void Ring::set_device(int read_fd, int write_fd, DeviceFormat format) {
  make_nonblocking(read_fd);
  make_nonblocking(write_fd);
  drain_sends();
  replace(device(), read_fd);
  write_fd_ = write_fd;
  intake_.set_device_format(format);
  writer_.set_format(format);
  is_device_readable_ = false;
  is_write_by_ring_ = is_device_by_ring_;
  zero_is_end_ = read_fd >= 0 && zero_means_end(read_fd);
}

void Ring::set_sockets(int v4, int v6) {
  make_nonblocking(v4);
  make_nonblocking(v6);
  drain_sends();
  replace(sources_[1], v4);
  replace(sources_[2], v6);
}

void Ring::drain_sends() {
  submit_writes();
  do {
    if (!flush()) return;
  } while (in_flight_ != 0);
  end_writes();
}

void Ring::replace(Source& source, int fd) {
  cancel(source.kind, source.generation, source.is_armed);
  source = Source{.kind = source.kind, .fd = fd, .generation = source.generation + 1};
}

// Returns when the request has had its last completion; whatever else completes meanwhile is carried over. A request may slip
// through one cancellation while it is being completed, so this asks until it is over.
void Ring::cancel(Kind kind, std::uint32_t generation, const bool& is_armed) {
  while (is_armed) {
    io_uring_sqe* entry = next_entry();
    if (entry == nullptr) return;
    io_uring_prep_cancel64(entry, user_data(kind, generation, 0), 0);
    io_uring_sqe_set_data64(entry, user_data(Kind::kCancel, 0, 0));
    for (++cancels_under_way_; cancels_under_way_ != 0;) {
      const int result = io_uring_submit_and_wait(&ring(), 1);
      harvest(carried_);
      if (!may_pass(result)) return;
    }
    if (is_armed && !flush()) return;
  }
}

// ---- sending

// Hands over what is queued and takes in what has completed. False when the kernel refuses altogether.
bool Ring::flush() {
  const int result = io_uring_submit_and_get_events(&ring());
  harvest(carried_);
  return may_pass(result);
}

io_uring_sqe* Ring::next_entry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring());
  if (entry == nullptr && flush()) entry = io_uring_get_sqe(&ring());
  return entry;
}

void Ring::send(std::span<Datagram> datagrams) {
  while (!datagrams.empty()) {
    if (const int fd = socket_for(datagrams.front().remote.address.family); fd >= 0) {
      submit_train(datagrams, fd);
    } else {
      fail_first(datagrams, EAFNOSUPPORT, carried_);
    }
  }
}

// As many from the front as go together.
void Ring::submit_train(std::span<Datagram>& datagrams, int fd) {
  if (free_trains_.empty()) flush();
  const Verdict verdict = refusals_.verdict_on(datagrams.front().remote, datagrams.front().packet.size(), Steady::now);
  io_uring_sqe* entry = free_trains_.empty() ? nullptr : next_entry();
  if (entry == nullptr) return fail_first(datagrams, EAGAIN, carried_);
  const std::uint32_t slot = free_trains_.back();
  free_trains_.pop_back();
  Train& train = trains_[slot];
  datagrams = datagrams.subspan(train.load(datagrams, segmentation_ && verdict != Verdict::kOneByOne));
  if (WGU_PROBE_IS_TRACED(datagrams_sent)) train.tell_tracers(worker_);
  may_be_refused_ |= train.size() > 1 || refusals_.discovers_path_mtu();
  io_uring_prep_sendmsg(entry, fd, train.header(), MSG_DONTWAIT | MSG_NOSIGNAL);
  io_uring_sqe_set_data64(entry, user_data(Kind::kSend, 0, slot));
  ++in_flight_;
  if (verdict == Verdict::kOnTrial) flush();
}

void Ring::write(std::span<Packet> packets) { writer_.add(packets); }

// All that was written since the last wait(). The plan stays until all of it has completed: end_writes().
void Ring::submit_writes() {
  if (writer_.is_empty()) return;
  planned_ = writer_.plan();
  for (std::uint32_t number = 0; number < planned_.size(); ++number) {
    const DeviceWriter::Write& write = planned_[number];
    if (write_fd_ < 0) {
      count_refused(write, carried_);
      continue;
    }
    if (WGU_PROBE_IS_TRACED(device_written)) writer_.tell_tracers(worker_, write);
    io_uring_sqe* entry = is_write_by_ring_ ? next_entry() : nullptr;
    if (entry != nullptr) {
      io_uring_prep_writev(entry, write_fd_, write.pieces.data(), static_cast<unsigned>(write.pieces.size()),
                           static_cast<std::uint64_t>(-1));
      entry->rw_flags = RWF_NOWAIT;  // EAGAIN instead of waiting for room, which would let later packets overtake
      io_uring_sqe_set_data64(entry, user_data(Kind::kWrite, 0, number));
      ++in_flight_;
    } else {
      write_plainly(write, carried_);
    }
  }
}

// \pre nothing is in flight
void Ring::end_writes() noexcept {
  planned_ = {};
  writer_.clear();
}

// ---- waiting

void Ring::wait(Duration timeout, Arrivals& arrivals) {
  const bool is_endless = timeout == Duration::max();
  const auto start = Steady::now();
  const auto deadline = timeout < Steady::time_point::max() - start ? start + timeout : Steady::time_point::max();
  // What was carried over has used up buffers of this batch already.
  const bool may_lend = carried_.from_device.empty() && carried_.from_network.empty();
  submit_writes();
  bool is_done = move_arrivals(carried_, arrivals);
  for (bool is_first = true;; is_first = false) {
    Duration left = Duration::zero();
    if (!is_done) left = is_endless ? Duration::max() : is_first ? timeout : Duration(deadline - Steady::now());
    const bool is_last_look = left <= Duration::zero();
    if (may_lend) lend_buffers();
    // A refused send still has to leave in another way, and its completion would not end the blocking. Before arming, as it may end
    // the request of a source.
    if (left > Duration::zero() && std::exchange(may_be_refused_, false)) flush();
    left = arm_sources(has_news(carried_) ? Duration::zero() : left);
    enter(has_news(carried_) ? Duration::zero() : left);
    // What flush() took in came before what harvest() takes in now.
    if (move_arrivals(carried_, arrivals)) is_done = true;
    if (harvest(arrivals)) is_done = true;
    if (is_device_readable_ && Steady::now() >= device().resume_at && read_plainly(arrivals)) is_done = true;
    if (move_arrivals(carried_, arrivals)) is_done = true;
    if (wake_.consume()) is_done = true;
    if (is_done || is_last_look) break;
  }
  // Sends that could not be handed over at once (EBUSY) or completed beyond the completion queue.
  while (in_flight_ != 0 && flush()) {
  }
  if (in_flight_ == 0) end_writes();
  move_arrivals(carried_, arrivals);
}

void Ring::lend_buffers() noexcept {
  const std::size_t affordable = intake_.affordable_reads(2 * reads_);
  const std::size_t each = std::min(affordable, std::max<std::size_t>(affordable / 2, 1));
  if (sources_[1].fd >= 0 || sources_[2].fd >= 0)
    socket_buffers_.lend(std::min(each, std::max(wanted_reads(sources_[1]), wanted_reads(sources_[2]))));
  if (is_device_by_ring_ && device().fd >= 0 && !device().is_gone) device_buffers_.lend(std::min(each, wanted_reads(device())));
}

// Small packets in as large batches as may be; of large reads only so many that the buffers they go through, which are used in turn,
// stay in the cache and resident memory stays small.
std::size_t Ring::wanted_reads(const Source& source) const noexcept {
  return source.fd < 0 ? 0 : std::clamp(kBytesAtOnce / std::max<std::size_t>(source.usual_size, 1), std::min(kFewReads, reads_), reads_);
}

// Outside wait() no buffer holds anything: they are filled when completions are taken in (DEFER_TASKRUN), and emptied at once.
void Ring::release_unused() noexcept {
  socket_buffers_.release();
  device_buffers_.release();
  own_buffers_.release_unused();
}

void Ring::arm_wake() {
  io_uring_sqe* entry = next_entry();
  if (entry == nullptr) return;
  // The eventfd is never read: a multishot poll completes on each write to it, whatever it holds.
  io_uring_prep_poll_multishot(entry, wake_.fd(), POLLIN);
  io_uring_sqe_set_data64(entry, user_data(Kind::kWake, 0, 0));
  is_wake_armed_ = true;
}

// Arms what can be armed; returns how long the loop may block, shortened for sources that must be looked at again.
Duration Ring::arm_sources(Duration left) {
  if (!is_wake_armed_) arm_wake();
  for (Source& source : sources_) {
    if (source.fd < 0 || source.is_gone) continue;
    const bool is_polled = source.kind == Kind::kDevice && !is_device_by_ring_;
    if (source.is_armed && !(is_polled && is_device_readable_)) continue;
    if (source.resume_at != Steady::time_point{}) {
      const Duration rest = source.resume_at - Steady::now();
      if (rest > Duration::zero()) {
        left = std::min(left, rest);
        continue;
      }
      source.resume_at = {};
    }
    if (is_polled && is_device_readable_) left = std::min(left, Duration::zero());
    if (!is_polled && buffers_of(source).is_empty()) {
      report_starvation(source);
      left = std::min(left, kStarvedPause);
    } else if (!source.is_armed) {
      arm(source);
    }
  }
  return left;
}

// Lent buffers run out also when nothing waits to be read; only a packet that does wait makes a starved read.
void Ring::report_starvation(Source& source) {
  if (source.is_starved || !is_readable_now(source.fd)) return;
  source.is_starved = true;
  ++(source.kind == Kind::kDevice ? carried_.starved_device_reads : carried_.starved_socket_reads);
}

void Ring::arm(Source& source) {
  io_uring_sqe* entry = next_entry();
  if (entry == nullptr) return;
  if (source.kind == Kind::kDevice && !is_device_by_ring_) {
    io_uring_prep_poll_multishot(entry, source.fd, POLLIN);
  } else {
    if (source.kind == Kind::kDevice) {
      io_uring_prep_rw(kOpReadMultishot, entry, source.fd, nullptr, 0, static_cast<std::uint64_t>(-1));
    } else {
      io_uring_prep_recvmsg_multishot(entry, source.fd, &receive_layout_, 0);
    }
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = buffers_of(source).group();
  }
  io_uring_sqe_set_data64(entry, user_data(source.kind, source.generation, 0));
  source.is_armed = true;
}

// Every send and write under way completes while it is submitted, so that one completion more than these is an arrival.
void Ring::enter(Duration left) {
  if (left > Duration::zero() && wake_.park()) {
    io_uring_cqe* unused = nullptr;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    __kernel_timespec limit{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    const unsigned wanted = static_cast<unsigned>(in_flight_) + 1;
    io_uring_submit_and_wait_timeout(&ring(), &unused, wanted, left == Duration::max() ? nullptr : &limit, nullptr);
  } else {
    io_uring_submit_and_get_events(&ring());
  }
  wake_.unpark();
}

Result<std::unique_ptr<Loop>> open_ring(LoopOptions options) {
  if (auto fits = check_options(options); !fits) return fits.error();
  auto ring = std::make_unique<Ring>(options);
  if (auto opened = ring->open(options.plain_device_calls); !opened) return opened.error();
  return std::unique_ptr<Loop>(std::move(ring));
}

}  // namespace wgu::io
