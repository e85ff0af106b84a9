// The loop without io_uring: epoll (level-triggered) says which sources are readable, then one recvmsg or read a source in turn,
// until max_batch or until all are empty. Sends are made at once and writes by the next wait(), so nothing is in flight.
//
// A source:  kWatched --pool empty, or an error that may pass--> kPaused (out of the epoll set) --pause over--> kWatched
//            kWatched --device deleted--> kGone
// Level-triggered readiness of a source that cannot be read would make wait() spin, hence the pause.

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/device_writer.h"
#include "io/message.h"
#include "io/path_mtu.h"
#include "io/train.h"
#include "io/system_error.h"
#include "io/wake_signal.h"
#include "values/probes.h"

namespace wgu::io {
namespace {

using Steady = std::chrono::steady_clock;

class Poller final : public Loop {
 public:
  explicit Poller(const LoopOptions& options)
      : intake_(options),
        max_batch_(std::max<std::size_t>(options.max_batch, 1)),
        segmentation_(options.segmentation),
        read_pool_(options.read_pool),
        worker_(options.worker),
        buffer_(kReadSize),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        refusals_(options.discovers_path_mtu, options.train_pause) {}

  Result<void> open() {
    if (!epoll_) return system_error(errno, "epoll_create1");
    if (wake_.fd() < 0) return system_error(errno, "eventfd");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = kWakeIndex;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.fd(), &event) != 0) return system_error(errno, "epoll_ctl(eventfd)");
    return {};
  }

  using Loop::set_device;
  void set_device(int read_fd, int write_fd, DeviceFormat format) override {
    make_nonblocking(read_fd);
    make_nonblocking(write_fd);
    write_all();
    device_write_fd_ = write_fd;
    intake_.set_device_format(format);
    writer_.set_format(format);
    replace(sources_[kDevice], read_fd);
    zero_is_end_ = read_fd >= 0 && zero_means_end(read_fd);
  }

  void set_sockets(int v4, int v6) override {
    make_nonblocking(v4);
    make_nonblocking(v6);
    replace(sources_[kSocketV4], v4);
    replace(sources_[kSocketV6], v6);
  }

  void send(std::span<Datagram> datagrams) override {
    while (!datagrams.empty()) {
      const Endpoint& remote = datagrams.front().remote;
      const int fd = socket_for(remote.address.family);
      if (fd < 0) {
        fail_first(datagrams, EAFNOSUPPORT, carried_);
        continue;
      }
      const auto verdict = refusals_.verdict_on(remote, datagrams.front().packet.size(), Steady::now);
      datagrams = datagrams.subspan(train_.load(datagrams, segmentation_ && verdict != TrainRefusals::Verdict::kOneByOne));
      if (WGU_PROBE_IS_TRACED(datagrams_sent)) train_.tell_tracers(worker_);
      const int result = ::sendmsg(fd, train_.header(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
      train_.finish(fd, result, refusals_, carried_);
    }
  }

  void write(std::span<Packet> packets) override { writer_.add(packets); }

  void wait(Duration timeout, Arrivals& arrivals) override {
    const bool is_endless = timeout == Duration::max();
    const Steady::time_point deadline = is_endless ? Steady::time_point::max() : saturated_deadline(timeout);
    write_all();
    bool is_done = move_arrivals(carried_, arrivals);
    for (;;) {
      Duration left = Duration::zero();
      if (!is_done) left = is_endless ? Duration::max() : std::max(Duration::zero(), Duration(deadline - Steady::now()));
      const bool is_last_look = left == Duration::zero();
      const std::size_t ready = wait_for_readiness(resume_paused(left));
      if (ready != 0 && read_sources(arrivals)) is_done = true;
      if (move_arrivals(carried_, arrivals)) is_done = true;
      if (wake_.consume()) is_done = true;
      if (is_done || is_last_look) return;
    }
  }

  [[nodiscard]] std::uint32_t ask_path_mtu(const Endpoint& remote) noexcept override {
    return io::ask_path_mtu(socket_for(remote.address.family), remote);
  }
  void wake() noexcept override { wake_.request(); }
  [[nodiscard]] bool is_parked() const noexcept override { return wake_.is_parked(); }
  void release_unused() noexcept override {}  // one buffer
  [[nodiscard]] const char* name() const noexcept override { return "epoll"; }
  [[nodiscard]] std::size_t in_flight() const noexcept override { return 0; }

 private:
  enum Index : std::uint32_t { kDevice, kSocketV4, kSocketV6, kSources, kWakeIndex = kSources };
  enum class State : std::uint8_t { kUnset, kWatched, kPaused, kGone };

  struct Source {
    int fd = -1;
    State state = State::kUnset;
    bool is_ready = false;           // in this wait()
    bool has_condition = false;      // EPOLLERR, EPOLLHUP: stays readable without anything to read
    bool is_starved = false;         // counted once; until a buffer was there again
    Steady::time_point resume_at{};  // kPaused
  };

  void write_all() {
    if (writer_.is_empty()) return;
    for (const DeviceWriter::Write& planned : writer_.plan()) {
      if (WGU_PROBE_IS_TRACED(device_written)) writer_.tell_tracers(worker_, planned);
      finish_write(planned, write_to_device(device_write_fd_, planned), carried_);
    }
    writer_.clear();
  }

  static Steady::time_point saturated_deadline(Duration timeout) {
    const auto now = Steady::now();
    return timeout < Steady::time_point::max() - now ? now + timeout : Steady::time_point::max();
  }

  std::uint32_t index_of(const Source& source) const noexcept { return static_cast<std::uint32_t>(&source - sources_); }
  bool is_device(const Source& source) const noexcept { return &source == &sources_[kDevice]; }
  int socket_for(Family family) const noexcept {
    return family == Family::kIpv4 ? sources_[kSocketV4].fd : family == Family::kIpv6 ? sources_[kSocketV6].fd : -1;
  }

  void watch(Source& source) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.u32 = index_of(source);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, source.fd, &event) == 0) {
      source.state = State::kWatched;
    } else {
      end(source);
    }
  }

  void unwatch(Source& source) {
    if (source.state == State::kWatched) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, source.fd, nullptr);
    source.is_ready = false;
  }

  void pause(Source& source, Duration pause) {
    unwatch(source);
    source.state = State::kPaused;
    source.resume_at = Steady::now() + pause;
  }

  void end(Source& source) {
    unwatch(source);
    source.state = State::kGone;
    if (is_device(source)) carried_.device_gone = true;
  }

  void replace(Source& source, int fd) {
    unwatch(source);
    source = Source{};
    source.fd = fd;
    if (fd >= 0) watch(source);
  }

  // Puts sources whose pause is over back into the set; returns how long the loop may block at the most, and not at all where
  // somebody waits already.
  Duration resume_paused(Duration left) {
    for (Source& source : sources_) {
      if (source.state != State::kPaused) continue;
      const Duration rest = source.resume_at - Steady::now();
      if (rest <= Duration::zero()) {
        watch(source);
      } else {
        left = std::min(left, rest);
      }
    }
    return left;
  }

  std::size_t wait_for_readiness(Duration timeout) {
    epoll_event events[kSources + 1];
    if (timeout != Duration::zero() && !wake_.park()) timeout = Duration::zero();
    const int count = block(events, timeout);
    wake_.unpark();
    std::size_t ready = 0;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u32 == kWakeIndex) {
        wake_.drain();
        continue;
      }
      Source& source = sources_[events[i].data.u32];
      source.is_ready = true;
      source.has_condition = (events[i].events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0;
      if (source.has_condition && !is_device(source) && refusals_.discovers_path_mtu()) {
        read_path_errors(source.fd, carried_.narrow_paths);  // what is left of the condition, a failed read takes away
        source.has_condition = false;
      }
      ++ready;
    }
    return ready;
  }

  int block(std::span<epoll_event> events, Duration timeout) {
    const int capacity = static_cast<int>(events.size());
    timespec limit{};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
    limit.tv_sec = seconds.count();
    limit.tv_nsec = (timeout - seconds).count();
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), capacity, timeout == Duration::max() ? nullptr : &limit, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    // Before Linux 5.11, or a seccomp filter older than the call: whole milliseconds, rounded up.
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(timeout, std::chrono::hours(1)));
    return ::epoll_wait(epoll_.get(), events.data(), capacity, timeout == Duration::max() ? -1 : static_cast<int>(rounded.count()));
  }

  // In turn, one packet each, so that none of them waits behind a whole batch of another. True when there is something to say.
  bool read_sources(Arrivals& arrivals) {
    bool any_news = false;
    bool is_first_round = true;
    for (std::size_t left = max_batch_; left != 0; is_first_round = false) {
      bool any = false;
      for (Source& source : sources_) {
        if (!source.is_ready || left == 0) continue;
        any = true;
        const DeviceRead outcome =
            is_device(source) ? read_device(source.fd, zero_is_end_, buffer_, intake_, arrivals) : receive(source, arrivals);
        if (outcome == DeviceRead::kPacket) {
          --left;
          any_news = true;
          source.is_starved = false;
        } else {
          settle(source, outcome, is_first_round);
        }
      }
      if (!any) break;
    }
    for (Source& source : sources_) source.is_ready = false;
    return any_news;
  }

  void settle(Source& source, DeviceRead outcome, bool is_first_round) {
    source.is_ready = false;
    switch (outcome) {
      case DeviceRead::kPacket:
        return;
      case DeviceRead::kEmpty:
        if (is_first_round && source.has_condition) pause(source, kErrorPause);
        return;
      case DeviceRead::kStarved:
        if (!std::exchange(source.is_starved, true)) ++(is_device(source) ? carried_.starved_device_reads : carried_.starved_socket_reads);
        return pause(source, kStarvedPause);
      case DeviceRead::kFailed:
        return pause(source, kErrorPause);
      case DeviceRead::kGone:
        return end(source);
    }
  }

  DeviceRead receive(Source& source, Arrivals& arrivals) {
    if (intake_.is_starved()) return DeviceRead::kStarved;
    const Packet whole = read_pool_ != nullptr ? read_pool_->take(0) : Packet();
    if (read_pool_ != nullptr && !whole) return DeviceRead::kStarved;
    std::uint8_t* const bytes = whole ? whole.data() : buffer_.data();
    sockaddr_storage address;
    alignas(cmsghdr) std::uint8_t control[kControlSize];
    iovec payload{bytes, kReadSize};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &payload;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t length = ::recvmsg(source.fd, &message, MSG_DONTWAIT);
    // A sent datagram's error, told once.
    if (length < 0 && refusals_.discovers_path_mtu() && is_path_error(errno)) length = ::recvmsg(source.fd, &message, MSG_DONTWAIT);
    if (length < 0) return errno == EAGAIN || errno == EINTR ? DeviceRead::kEmpty : DeviceRead::kFailed;
    intake_.receive(message, {bytes, static_cast<std::size_t>(length)}, arrivals, whole);
    return DeviceRead::kPacket;
  }

  Intake intake_;
  const std::size_t max_batch_;
  const bool segmentation_;
  PacketPool* const read_pool_;
  const std::uint8_t worker_;
  std::vector<std::uint8_t> buffer_;  // for one read of the device, or of a socket where there is no read_pool
  FileDescriptor epoll_;
  WakeSignal wake_;
  Source sources_[kSources];
  int device_write_fd_ = -1;
  bool zero_is_end_ = false;
  DeviceWriter writer_;
  Train train_;
  TrainRefusals refusals_;
  Arrivals carried_;  // what send(), write() and a vanishing source have to say, until the next wait()
};

}  // namespace

Result<std::unique_ptr<Loop>> open_poller(LoopOptions options) {
  if (auto fits = check_options(options); !fits) return fits.error();
  auto poller = std::make_unique<Poller>(options);
  if (auto opened = poller->open(); !opened) return opened.error();
  return std::unique_ptr<Loop>(std::move(poller));
}

}  // namespace wgu::io
