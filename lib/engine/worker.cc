// Lifetime: a loop lives and dies on its worker's thread, once no worker runs that could wake it. Pools outlive every packet, the
// other workers' and the mailboxes' too: the engine joins all threads and empties the mailboxes before it destroys a worker.
#include "engine/worker.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/arrival_counts.h"
#include "engine/boot_clock.h"
#include "engine/cpus.h"
#include "io/intake.h"
#include "values/probes.h"

namespace wgu::engine {
namespace {

// A packet of any usual link with its data header and tag. Not a power of two, or all packets would begin in the same cache sets.
constexpr std::size_t kBufferCapacity = 2048 + 64;
// The largest UDP payload, or packet of a device. Pages that no packet touches cost no memory.
constexpr std::size_t kLargeBufferCapacity = 65536 + 512;
// Of received trains: as many as a loop has lent at once, and twice that, held by packets on their way.
constexpr std::size_t kReadBuffers = 96;
// More than these in use: of trains that go to other workers, who may not come to read them, the datagrams leave in buffers of their own.
constexpr std::size_t kManyReadBuffers = kReadBuffers / 2;
// Of its buffers, what a worker lets others keep waiting, one in so many, all together: as many again may be in the hands of those who
// have come to a halt with them.
constexpr std::size_t kShareInMail = 3;
constexpr Duration kRestAfter = std::chrono::seconds(5);  // without traffic, before memory that a burst has used is given back
constexpr std::size_t kMailPerRound = 256;                // letters of one sender, so that mail does not starve the own queues

Drop drop_of_send_error(int error) noexcept {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
      return Drop::kOutSocketFull;
    case EMSGSIZE:
      return Drop::kOutMessageTooLong;
    default:
      return Drop::kOutSendFailed;
  }
}

template <class Job>
std::size_t bytes_of(std::span<Job> jobs) noexcept {
  std::size_t bytes = 0;
  for (const Job& job : jobs) bytes += job.length;
  return bytes;
}

Duration until(Instant deadline, Instant now) noexcept {
  if (deadline == kNever) return Duration::max();
  return deadline <= now ? Duration::zero() : deadline - now;
}

}  // namespace

Worker::Worker(WorkerOptions options, Crew& crew) : options_(options), crew_(crew) {}

Worker::~Worker() = default;

Result<void> Worker::start() {
  std::promise<Result<void>> started;
  std::future<Result<void>> is_started = started.get_future();
  thread_ = std::thread([this, started = std::move(started)]() mutable { run(std::move(started)); });
  Result<void> result = is_started.get();
  if (!result) thread_.join();
  return result;
}

void Worker::request_stop() noexcept {
  if (!thread_.joinable()) return;
  is_stopping_.store(true, std::memory_order_relaxed);
  wake();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::drop_mail() {
  for (const auto& box : crew_.mail[options_.number]) {
    if (box != nullptr) box->collect(kMailboxCapacity, mail_);
  }
  for (const tunnel::Handover& handover : mail_) {
    if (std::holds_alternative<tunnel::NarrowPath>(handover.work)) continue;  // no packet
    const bool is_outbound = std::holds_alternative<tunnel::RoutedPacket>(handover.work);
    ++(is_outbound ? final_counters_.outbound_adopted : final_counters_.inbound_adopted);
    final_counters_.drop(is_outbound ? Drop::kOutShutdown : Drop::kInShutdown);
  }
  mail_.clear();
}

void Worker::post(Call call) {
  call_ = [this, call = std::move(call)] { call(*shard_, *loop_); };
  slot_.post(call_);
  wake();
}

void Worker::run(std::promise<Result<void>> started) {
  Result<void> result = set_up();
  const bool is_set_up = result.ok();
  if (is_set_up) crew_.wakers.fetch_add(1);
  started.set_value(std::move(result));
  if (!is_set_up) return;
  while (!is_stopping_.load(std::memory_order_relaxed)) round();
  tear_down();
}

// On the worker's thread, so that the ring has one issuer and memory lies near the core that first touches it.
Result<void> Worker::set_up() {
  thread_number_ = gettid();
  pthread_setname_np(pthread_self(), ("wgu/" + std::to_string(options_.number)).c_str());
  if (options_.cpu >= 0) {
    if (Result<void> pinned = pin_this_thread(options_.cpu); !pinned) return pinned;
  }
  if (crew_.options.is_realtime) {
    Result<void> granted = run_this_thread_in_real_time();
    if (!granted && crew_.options.log)
      crew_.options.log(LogLevel::kError, granted.error().message + ": workers wait for a CPU like any thread");
  }
  pool_ = std::make_unique<PacketPool>(crew_.options.buffers_per_worker, kBufferCapacity);
  large_pool_ = std::make_unique<PacketPool>(crew_.options.buffers_per_worker, kLargeBufferCapacity);
  read_pool_ = std::make_unique<PacketPool>(kReadBuffers, io::kReceiveBuffer);
  const io::LoopOptions loop_options{.pool = pool_.get(),
                                     .large_pool = large_pool_.get(),
                                     .read_pool = read_pool_.get(),
                                     .receive_headroom = 0,
                                     .device_headroom = kPacketHeadroom,
                                     .device_tailroom = kPacketTailroom,
                                     .departing_size = [this](std::size_t size) { return shard_->sealed_size(size); },
                                     .segmentation = crew_.options.offloads.send_trains,
                                     .discovers_path_mtu = crew_.options.path.discover_mtu,
                                     .worker = options_.number};
  const IoBackend backend = crew_.options.io;
  Result<std::unique_ptr<io::Loop>> loop = backend == IoBackend::kEpoll ? io::open_poller(loop_options) : io::open_ring(loop_options);
  if (!loop && backend == IoBackend::kAuto) {
    if (crew_.options.log) crew_.options.log(LogLevel::kVerbose, "io_uring is not to be had (" + loop.error().message + "); using epoll");
    loop = io::open_poller(loop_options);
  }
  if (!loop) return std::move(loop).error();
  loop_ = std::move(loop).value();
  loop_name_ = loop_->name();
  loop_->set_device(options_.read_fd, options_.write_fd, options_.format);
  shard_ = std::make_unique<tunnel::Shard>(options_.number, options_.mtu, static_cast<unsigned>(crew_.mail.size()), crew_.options.host,
                                           crew_.gate, *pool_);
  shard_->set_path_policy(crew_.options.path);
  shard_->counters().buffers = pool_->count() + large_pool_->count();
  was_posted_to_.resize(crew_.mail.size());
  shard_->set_aead({.seal = [this](auto jobs) { return seal(jobs); }, .open = [this](auto jobs) { return open(jobs); }});
  recorder_.open(crew_.recording);
  if (recorder_.is_on()) shard_->set_secrets_listener([this](const HandshakeSecrets& secrets) { recorder_.handshake(secrets); });
  return {};
}

void Worker::round() {
  const Instant deadline = is_resting_ ? shard_->next_deadline() : std::min(shard_->next_deadline(), last_traffic_ + kRestAfter);
  loop_->wait(has_mail() ? Duration::zero() : until(deadline, boot_now()), arrivals_);
  help_others();
  const Instant now = round_began_ = boot_now();
  rest(now);
  ++shard_->counters().rounds;
  const bool brought_packets = !arrivals_.from_device.empty() || !arrivals_.from_network.empty();
  account(arrivals_);
  if (recorder_.is_on()) recorder_.arrived(arrivals_, crew_.options.host.wall_time());
  // What was sent and written has succeeded or been taken back, and nothing else has begun: who looks now sees counters that only grow.
  slot_.run();
  for (const io::PathMtu& path : arrivals_.narrow_paths) shard_->narrow_path(path.remote, path.mtu, now);
  meter_.begin(arrivals_, shard_->counters(), now);
  shard_->send(arrivals_.from_device, now, output_);
  meter_.sealed(shard_->counters());
  shard_->receive(arrivals_.from_network, now, output_);
  meter_.opened(shard_->counters());
  arrivals_.clear();
  const bool brought_mail = read_mail(now);
  if (!brought_packets && !brought_mail) ++shard_->counters().rounds_idle;
  hand_out();  // before handshakes, of which each takes longer than a batch of data
  meter_.handed_over();
  shard_->advance(now, output_);
  hand_out();
  tell_events();
  if (recorder_.is_on()) recorder_.end_round(shard_->counters());
  if (WGU_PROBE_IS_TRACED(packets_dropped)) {
    traced_drops_.tell(shard_->counters(), [this](Drop reason, std::uint64_t packets) {
      WGU_PROBE(packets_dropped, options_.number, static_cast<unsigned>(reason), packets);
    });
  } else {
    traced_drops_.forget();
  }
}

// Buffers that a burst has made resident go back to the system after a while.
void Worker::rest(Instant now) {
  if (!arrivals_.from_device.empty() || !arrivals_.from_network.empty()) {
    last_traffic_ = now;
    is_resting_ = false;
  } else if (!is_resting_ && now - last_traffic_ >= kRestAfter) {
    pool_->release_unused();
    large_pool_->release_unused();
    read_pool_->release_unused();
    loop_->release_unused();
    is_resting_ = true;
  }
}

Duration Worker::seal(std::span<crypto::SealJob> jobs) {
  const Duration took = run_batch(jobs, crypto::seal, [this](auto&&... offer) { fan_out_.seal(offer...); });
  if (WGU_PROBE_IS_TRACED(batch_sealed)) {
    WGU_PROBE(batch_sealed, options_.number, jobs.size(), bytes_of(jobs), (boot_now() - round_began_).count());
  }
  return took;
}

Duration Worker::open(std::span<crypto::OpenJob> jobs) {
  const Duration took = run_batch(jobs, crypto::open, [this](auto&&... offer) { fan_out_.open(offer...); });
  if (WGU_PROBE_IS_TRACED(batch_opened)) {
    WGU_PROBE(batch_opened, options_.number, jobs.size(), bytes_of(jobs), (boot_now() - round_began_).count());
  }
  return took;
}

// Alone when the batch is small or nobody is idle. Nobody asks a lone worker how long it took, but a tracer.
template <class Job, class Alone, class Together>
Duration Worker::run_batch(std::span<Job> jobs, Alone alone, Together together) {
  if (crew_.mail.size() == 1 && !WGU_PROBE_IS_TRACED(peer_batch)) return alone(jobs), Duration::zero();
  const std::size_t bytes = bytes_of(jobs);
  const Instant begin = boot_now();
  const std::size_t wanted = fan_out_policy_.shares_for(bytes);
  const std::size_t shares = wanted > 1 && find_idle() ? std::min(wanted, jobs.size()) : 1;
  if (shares <= 1) {
    alone(jobs);
    const Duration took = boot_now() - begin;
    fan_out_policy_.learn(bytes, took);
    return took;
  }
  crew_.open_offers.fetch_add(1);
  together(jobs, shares, [this] {
    for (Worker* worker : idle_) worker->wake();
  });
  crew_.open_offers.fetch_sub(1);
  ++shard_->counters().batches_shared;
  return boot_now() - begin;
}

bool Worker::find_idle() {
  idle_.clear();
  for (const auto& worker : crew_.workers) {
    if (worker.get() != this && worker->is_parked()) idle_.push_back(worker.get());
  }
  return !idle_.empty();
}

void Worker::help_others() {
  if (crew_.open_offers.load() == 0) return;
  for (const auto& worker : crew_.workers) {
    if (worker.get() != this) shard_->counters().shares_helped += worker->fan_out_.help();
  }
}

void Worker::account(const io::Arrivals& arrivals) {
  Counters& counters = shard_->counters();
  for (const io::SendFailure& failure : arrivals.send_failures) {
    shard_->send_failed(failure.tag, failure.size, drop_of_send_error(failure.error));
  }
  for (const std::uint64_t tag : arrivals.stale_sources) shard_->forget_local_address(tag);
  count_arrivals(arrivals, counters);
  count_buffers(pool_->in_use() + large_pool_->in_use(), counters);
  if (arrivals.device_gone) crew_.device_gone();
}

bool Worker::has_mail() const noexcept {
  const auto& boxes = crew_.mail[options_.number];
  return std::any_of(boxes.begin(), boxes.end(), [](const auto& box) { return box != nullptr && box->has_mail(); });
}

bool Worker::read_mail(Instant now) {
  for (const auto& box : crew_.mail[options_.number]) {
    if (box != nullptr) box->collect(kMailPerRound, mail_);
  }
  if (mail_.empty()) return false;
  shard_->counters().mailbox_peak = std::max<std::uint64_t>(shard_->counters().mailbox_peak, mail_.size());
  shard_->adopt(mail_, now, output_);
  mail_.clear();
  return true;
}

void Worker::hand_out() {
  if (recorder_.is_on()) recorder_.leaving(output_, crew_.options.host.wall_time());
  if (!output_.to_network.empty()) loop_->send(output_.to_network);
  if (!output_.to_device.empty()) loop_->write(output_.to_device);
  for (const PathQuestion& question : output_.path_questions) {
    if (const std::uint32_t mtu = loop_->ask_path_mtu(question.remote); mtu != 0) shard_->answer_path(question, mtu, boot_now());
  }
  output_.clear();

  std::vector<tunnel::Handover>& handovers = shard_->handovers();
  if (handovers.empty()) return;
  post_handovers(handovers);
  handovers.clear();
  for (std::size_t to = 0; to < was_posted_to_.size(); ++to) {
    if (was_posted_to_[to]) crew_.workers[to]->wake();
    was_posted_to_[to] = false;
  }
}

// Whoever does not read his mail must not end up with all of this worker's buffers: the rest of his packets is dropped.
void Worker::post_handovers(std::vector<tunnel::Handover>& handovers) {
  const std::size_t most = std::max<std::size_t>(pool_->count() / kShareInMail / (crew_.mail.size() - 1), 1);  // of each
  const bool do_trains_stay = read_pool_->in_use() <= kManyReadBuffers;
  for (tunnel::Handover& handover : handovers) {
    const std::uint16_t to = handover.worker;
    Mailbox& box = *crew_.mail[to][options_.number];
    const bool has_packet = std::holds_alternative<tunnel::RoutedPacket>(handover.work) || std::holds_alternative<Datagram>(handover.work);
    const bool has_room = !has_packet || (box.waiting() < most && (do_trains_stay || leave_train(handover)));
    if (!has_room || !box.post(handover)) shard_->handover_failed(std::move(handover));
    was_posted_to_[to] = true;
  }
}

// Gives a received datagram a buffer of its own, so that it holds no longer that of the train it came in. False: there is none.
bool Worker::leave_train(tunnel::Handover& handover) {
  auto* const datagram = std::get_if<Datagram>(&handover.work);
  if (datagram == nullptr || !datagram->packet.is_slice()) return true;
  const auto bytes = datagram->packet.bytes();
  Packet own = bytes.size() <= pool_->capacity() ? pool_->take(0) : large_pool_->take(0);
  if (!own) return false;
  own.resize(bytes.size());
  std::copy(bytes.begin(), bytes.end(), own.data());
  datagram->packet = std::move(own);
  return true;
}

void Worker::tell_events() {
  tunnel::EventBuffer& buffer = shard_->events();
  buffer.set_wanted(meter_.wants_events());
  if (buffer.events().empty()) return;
  Counters& counters = shard_->counters();
  bool is_any_told = false;
  for (Event event : buffer.events()) {
    if (event.kind == EventKind::kHandshakeCompleted) meter_.handshake_took(event.value);
    event.worker = options_.number;
    const bool is_admitted = event_limiter_.admit(event);
    const bool is_told = is_admitted && post(event);
    if (is_admitted && !is_told) event_limiter_.take_back(event);
    is_any_told |= is_told;
    if (!is_told) ++counters.events_held_back;
  }
  buffer.clear();
  if (is_any_told) crew_.events.wake();
}

bool Worker::post(Event& event) {
  event.wall = crew_.options.host.wall_time();
  return crew_.events.post(options_.number, event);
}

void Worker::tear_down() {
  tell_events();
  // What the kernel has already taken still completes, so that the final counters tell the truth.
  for (int rounds = 0; loop_->in_flight() > 0 && rounds < 16; ++rounds) loop_->wait(std::chrono::milliseconds(10), arrivals_);
  account(arrivals_);
  Counters& counters = shard_->counters();
  counters.device_packets_received += arrivals_.from_device.size();
  counters.drop(Drop::kOutShutdown, arrivals_.from_device.size());
  counters.datagrams_received += arrivals_.from_network.size();
  counters.drop(Drop::kInShutdown, arrivals_.from_network.size());
  arrivals_.clear();
  // The shard goes, and with it what waited there.
  counters.drop(Drop::kOutShutdown, std::exchange(counters.outbound_queued, 0));
  counters.drop(Drop::kInShutdown, std::exchange(counters.inbound_queued, 0));
  if (recorder_.is_on()) recorder_.end_round(counters);
  recorder_.close();
  final_counters_ = counters;

  crew_.stop_waking();
  for (unsigned left = crew_.wakers.load(); left > 0; left = crew_.wakers.load()) crew_.wakers.wait(left);
  loop_.reset();
  shard_.reset();
}

}  // namespace wgu::engine
