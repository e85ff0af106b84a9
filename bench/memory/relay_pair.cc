// sender    packets of the device, as many as there are -> those of one size in a row as one train -> UDP
// receiver  a train, put together by the kernel -> taken apart at its segment size -> the device
// Both end when their sockets are shut down.
#include "bench/memory/relay_pair.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <future>
#include <utility>

#include "bench/memory/confinement.h"
#include "bench/memory/device_queue.h"
#include "bench/traffic/sockets.h"
#include "engine/cpus.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

constexpr unsigned kBatch = 64;             // packets of a call; of a train, as UDP_SEGMENT has it before Linux 6.9
constexpr std::size_t kTrainBytes = 65507;  // of UDP over IPv4

struct alignas(cmsghdr) SegmentControl {
  std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> bytes{};
};

// Room for the packets of one call. They lie where they are read, so that a train is a list of pieces.
struct Packets {
  explicit Packets(std::size_t largest) : memory(kBatch * largest) {
    for (unsigned i = 0; i < kBatch; ++i) {
      pieces[i] = {&memory[i * largest], largest};
      headers[i].msg_hdr.msg_iov = &pieces[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::vector<std::uint8_t> memory;
  std::array<iovec, kBatch> pieces{};
  std::array<mmsghdr, kBatch> headers{};
};

// How many of the pieces from `first` on go as one train: all of one size, the last perhaps shorter.
unsigned train_from(const std::array<iovec, kBatch>& pieces, unsigned first, unsigned count) {
  const std::size_t size = pieces[first].iov_len;
  std::size_t bytes = size;
  unsigned next = first + 1;
  for (; next < count && pieces[next].iov_len <= size && bytes + pieces[next].iov_len <= kTrainBytes; ++next) {
    bytes += pieces[next].iov_len;
    if (pieces[next].iov_len < size) return next + 1 - first;
  }
  return next - first;
}

void send_train(int socket, iovec* pieces, unsigned count) {
  SegmentControl control;
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  if (count > 1) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(sizeof(std::uint16_t));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(pieces[0].iov_len);
    std::memcpy(CMSG_DATA(header), &size, sizeof size);
  }
  while (::sendmsg(socket, &message, 0) < 0 && errno == EINTR) {
  }
}

void relay_to_network(int device, int socket, std::size_t largest) {
  Packets packets(largest);
  for (;;) {
    for (iovec& piece : packets.pieces) piece.iov_len = largest;
    const int count = ::recvmmsg(device, packets.headers.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || packets.headers[0].msg_len == 0) return;
    for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) packets.pieces[i].iov_len = packets.headers[i].msg_len;
    for (unsigned at = 0; at < static_cast<unsigned>(count);) {
      const unsigned train = train_from(packets.pieces, at, static_cast<unsigned>(count));
      send_train(socket, &packets.pieces[at], train);
      at += train;
    }
  }
}

// 0: not put together.
std::size_t segment_size(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    int size = 0;
    if (header->cmsg_level != SOL_UDP || header->cmsg_type != UDP_GRO) continue;
    std::memcpy(&size, CMSG_DATA(header), sizeof size);
    return static_cast<std::size_t>(size);
  }
  return 0;
}

void relay_to_device(int socket, int device) {
  std::vector<std::uint8_t> bytes(kTrainBytes + 1);
  std::array<iovec, kBatch> pieces{};
  std::array<mmsghdr, kBatch> packets{};
  for (;;) {
    SegmentControl control;
    iovec whole{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &whole;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    const ssize_t length = ::recvmsg(socket, &message, 0);
    if (length < 0 && (errno == EINTR || errno == ECONNREFUSED)) continue;
    if (length <= 0) return;
    const auto size = static_cast<std::size_t>(length);
    const std::size_t segment = segment_size(message);
    const std::size_t stride = segment == 0 ? size : segment;
    unsigned count = 0;
    for (std::size_t at = 0; at < size && count < kBatch; at += stride, ++count) {
      pieces[count] = {&bytes[at], std::min(stride, size - at)};
      packets[count] = {};
      packets[count].msg_hdr.msg_iov = &pieces[count];
      packets[count].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned done = 0; done < count;) {
      const int taken = ::sendmmsg(device, &packets[done], count - done, MSG_NOSIGNAL);
      if (taken < 0 && errno != EINTR) return;
      done += static_cast<unsigned>(std::max(taken, 0));
    }
  }
}

Result<void> set_blocking_and_joining(int socket) {
  const int on = 1;
  if (::setsockopt(socket, SOL_UDP, UDP_GRO, &on, sizeof on) != 0) return io::system_error(errno, "UDP_GRO");
  const int flags = ::fcntl(socket, F_GETFL);
  if (flags < 0 || ::fcntl(socket, F_SETFL, flags & ~O_NONBLOCK) != 0) return io::system_error(errno, "a blocking socket");
  return {};
}

// Two sockets on 127.0.0.1, the second of which hears the first.
Result<std::pair<io::FileDescriptor, io::FileDescriptor>> make_path() {
  auto to = open_udp_sink({IpAddress::v4(127, 0, 0, 1), 0});
  if (!to) return std::move(to).error();
  auto remote = local_endpoint(to->get());
  if (!remote) return std::move(remote).error();
  auto from = open_udp_sender(*remote);
  if (!from) return std::move(from).error();
  for (const int socket : {from->get(), to->get()}) {
    if (auto set = set_blocking_and_joining(socket); !set) return std::move(set).error();
  }
  return std::pair{std::move(*from), std::move(*to)};
}

}  // namespace

Result<RelayPair> RelayPair::start(const RoundOptions& options) {
  RelayPair pair;
  const std::size_t largest = *std::max_element(options.sizes.begin(), options.sizes.end());
  const auto start_thread = [&pair](std::set<pid_t>& threads, const std::vector<int>& cpus, unsigned worker, std::function<void()> work) {
    std::promise<pid_t> id;
    auto started = id.get_future();
    const int cpu = cpus.empty() ? -1 : cpus[worker % cpus.size()];
    pair.threads_.emplace_back([id = std::move(id), cpu, work = std::move(work)]() mutable {
      if (cpu >= 0) static_cast<void>(engine::pin_this_thread(cpu));  // refused: measured all the same
      id.set_value(::gettid());
      work();
    });
    threads.insert(started.get());
  };
  const std::vector<int> sender_cpus = cpus_of_workers(options.sender_cpus, options.workers);
  const std::vector<int> receiver_cpus = cpus_of_workers(options.receiver_cpus, options.workers);
  for (unsigned worker = 0; worker < options.workers; ++worker) {
    auto in = make_device_queue();
    if (!in) return std::move(in).error();
    auto out = make_device_queue();
    if (!out) return std::move(out).error();
    auto path = make_path();
    if (!path) return std::move(path).error();
    const int in_near = in->near.get(), out_near = out->near.get(), from = path->first.get(), to = path->second.get();
    for (io::FileDescriptor* inside : {&in->near, &out->near, &path->first, &path->second}) pair.inside_.push_back(std::move(*inside));
    pair.entrance_.push_back(std::move(in->far));
    pair.exit_.push_back(std::move(out->far));
    start_thread(pair.receiver_threads_, receiver_cpus, worker, [to, out_near] { relay_to_device(to, out_near); });
    start_thread(pair.sender_threads_, sender_cpus, worker, [in_near, from, largest] { relay_to_network(in_near, from, largest); });
  }
  return pair;
}

RelayPair::~RelayPair() {
  for (const io::FileDescriptor& socket : inside_) ::shutdown(socket.get(), SHUT_RDWR);
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace wgu::bench
