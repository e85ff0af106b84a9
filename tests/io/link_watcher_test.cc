// The watcher against the kernel itself: each row changes the device somewhere and says what must have been noticed, with the
// capabilities a daemon keeps and with none at all.

#include "io/link_watcher.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>

#include <csignal>

#include "io/own_namespace.h"

namespace wgu::io {

inline void PrintTo(const LinkState& state, std::ostream* out) {
  *out << state.name << " mtu " << state.mtu << (state.is_up ? " up" : " down") << (state.is_gone ? " gone" : "");
}

namespace {

using test::keep_capabilities;
using test::Namespace;
using test::run_in_own_namespace;

constexpr std::uint32_t kNetAdmin = 1U << CAP_NET_ADMIN;

bool is_readable(int fd) {
  pollfd request{fd, POLLIN, 0};
  return ::poll(&request, 1, 0) == 1;
}

LinkState up(std::uint32_t mtu, std::string name = "wgtest0") { return {std::move(name), mtu, true, false}; }
LinkState down(std::uint32_t mtu, std::string name = "wgtest0") { return {std::move(name), mtu, false, false}; }

// Events must tell it, without the second opinion.
void expect_heard(LinkWatcher& watcher, const LinkState& expected, const char* what) {
  EXPECT_TRUE(is_readable(watcher.fd())) << what;
  watcher.read_changes();
  EXPECT_EQ(watcher.state(), expected) << what;
  EXPECT_FALSE(watcher.read_changes()) << what << ": nothing new";
  EXPECT_FALSE(watcher.probe()) << what << ": the second opinion is the same";
}

void expect_followed_in(const Namespace& there, LinkWatcher& watcher, std::uint32_t mtu) {
  there.set_mtu("wgtest0", 1300);
  expect_heard(watcher, down(1300), "mtu");
  there.set_up("wgtest0", true);
  expect_heard(watcher, up(1300), "up");
  there.set_mtu("wgtest0", 65535);
  expect_heard(watcher, up(65535), "largest mtu");
  there.set_up("wgtest0", false);
  expect_heard(watcher, down(65535), "down");
  there.rename("wgtest0", "other");
  expect_heard(watcher, down(65535, "other"), "renamed");
  there.rename("other", "wgtest0");
  there.set_mtu("wgtest0", static_cast<int>(mtu));
  expect_heard(watcher, down(mtu), "renamed back");
}

struct Watched {
  Tun tun;
  LinkWatcher watcher;
};

Watched watch(const std::string& name = "wgtest0") {
  auto tun = open_tun(name, 2);
  EXPECT_TRUE(tun) << tun.error().message;
  auto watcher = LinkWatcher::open(*tun);
  EXPECT_TRUE(watcher) << watcher.error().message;
  return {std::move(*tun), std::move(*watcher)};
}

TEST(LinkWatcher, FollowsTheDeviceAtHome) {
  run_in_own_namespace([] {
    const auto home = Namespace::current();
    auto [tun, watcher] = watch();
    EXPECT_EQ(watcher.state(), down(1500));
    EXPECT_FALSE(watcher.probe());
    home.set_up("wgtest0", true);
    EXPECT_TRUE(is_readable(watcher.fd()));
    EXPECT_TRUE(watcher.read_changes());
    EXPECT_EQ(watcher.state(), up(1500));
    home.set_mtu("wgtest0", 9000);
    expect_heard(watcher, up(9000), "mtu");
    home.set_up("wgtest0", false);
    expect_heard(watcher, down(9000), "down");
    expect_followed_in(home, watcher, 1420);
    home.remove("wgtest0");
    EXPECT_TRUE(watcher.read_changes());
    EXPECT_TRUE(watcher.state().is_gone);
    EXPECT_FALSE(watcher.state().is_up);
    EXPECT_FALSE(watcher.read_changes());
    EXPECT_FALSE(watcher.probe());
  });
}

TEST(LinkWatcher, StartsWithTheStateTheDeviceHas) {
  run_in_own_namespace([] {
    const auto home = Namespace::current();
    const auto tun = open_tun("wgtest0", 1);
    ASSERT_TRUE(tun);
    home.set_mtu("wgtest0", 1420);
    home.set_up("wgtest0", true);
    const auto watcher = LinkWatcher::open(*tun);
    ASSERT_TRUE(watcher);
    EXPECT_EQ(watcher->state(), up(1420));
  });
}

// A descriptor handed over may be of a device that is elsewhere, while one of its name is here.
TEST(LinkWatcher, StartsWithADeviceThatIsElsewhere) {
  run_in_own_namespace([] {
    const auto home = Namespace::current(), there = Namespace::make();
    const auto tun = open_tun("wgtest0", 1);
    ASSERT_TRUE(tun);
    home.move("wgtest0", there);
    there.set_mtu("wgtest0", 1250);
    const auto other = open_tun("wgtest0", 1);
    ASSERT_TRUE(other);
    auto watcher = LinkWatcher::open(*tun);
    ASSERT_TRUE(watcher);
    EXPECT_EQ(watcher->state(), down(1250));
    home.set_up("wgtest0", true);
    watcher->read_changes();
    EXPECT_EQ(watcher->state(), down(1250));
    expect_followed_in(there, *watcher, 1420);
  });
}

TEST(LinkWatcher, IgnoresOtherDevices) {
  run_in_own_namespace([] {
    const auto home = Namespace::current();
    auto [tun, watcher] = watch();
    const auto other = open_tun("wgtest1", 1);
    ASSERT_TRUE(other);
    home.set_mtu("wgtest1", 9000);
    home.set_up("wgtest1", true);
    home.set_up("lo", true);
    EXPECT_TRUE(is_readable(watcher.fd()));
    EXPECT_FALSE(watcher.read_changes());
    home.remove("wgtest1");
    EXPECT_FALSE(watcher.read_changes());
    EXPECT_EQ(watcher.state(), down(1500));
  });
}

// Moves at home and elsewhere; the index changes on the way because the target has more interfaces.
void follow_moves(bool keeps_all_capabilities) {
  const auto home = Namespace::current(), first = Namespace::make(), second = Namespace::make();
  auto [tun, watcher] = watch();
  ASSERT_EQ(::setns(first.fd.get(), CLONE_NEWNET), 0);
  const auto neighbour = open_tun("neighbour", 1);  // takes the index the device had
  ASSERT_TRUE(neighbour);
  ASSERT_EQ(::setns(home.fd.get(), CLONE_NEWNET), 0);
  ASSERT_EQ(home.index("wgtest0"), first.index("neighbour"));

  home.set_up("wgtest0", true);
  expect_heard(watcher, up(1500), "up");
  home.move("wgtest0", first);
  const auto twin = open_tun("twin", 1);  // has the index here that the device has there
  ASSERT_TRUE(twin);
  ASSERT_EQ(home.index("twin"), first.index("wgtest0"));
  if (!keeps_all_capabilities) keep_capabilities(kNetAdmin);
  expect_heard(watcher, down(1500), "moved");
  expect_followed_in(first, watcher, 1420);
  first.set_mtu("neighbour", 9000);
  home.set_mtu("twin", 9000);
  EXPECT_FALSE(watcher.read_changes());

  first.move("wgtest0", second);
  expect_heard(watcher, down(1420), "moved on");
  expect_followed_in(second, watcher, 1410);
  second.move("wgtest0", home);
  expect_heard(watcher, down(1410), "moved back");
  expect_followed_in(home, watcher, 1420);
  home.move("wgtest0", second);
  expect_heard(watcher, down(1420), "moved again");
  second.set_up("wgtest0", true);
  expect_heard(watcher, up(1420), "up");
  second.remove("wgtest0");
  EXPECT_TRUE(watcher.read_changes());
  EXPECT_TRUE(watcher.state().is_gone);
}

TEST(LinkWatcher, FollowsMovesWithAllCapabilities) {
  run_in_own_namespace([] { follow_moves(true); });
}
TEST(LinkWatcher, FollowsMovesWithNetAdminOnly) {
  run_in_own_namespace([] { follow_moves(false); });
}

// The watcher has no capability; another process, which keeps its own, plays the administrator.
TEST(LinkWatcher, FollowsWithoutAnyCapability) {
  run_in_own_namespace([] {
    const auto home = Namespace::current(), first = Namespace::make(), second = Namespace::make();
    auto [tun, watcher] = watch();
    int link[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
    const pid_t administrator = ::fork();
    ASSERT_GE(administrator, 0);
    if (administrator == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(link[0]);  // so that its other end is the last one, and the loop below ends
      for (char order = 0; ::recv(link[1], &order, 1, 0) == 1; ::send(link[1], &order, 1, 0)) {
        switch (order) {
          case 'm':
            home.move("wgtest0", first);
            break;
          case 's':
            first.set_mtu("wgtest0", 1300);
            break;
          case 'u':
            first.set_up("wgtest0", true);
            break;
          case 'n':
            first.move("wgtest0", second);
            break;
          case 'U':
            second.set_up("wgtest0", true);
            break;
          case 'b':
            second.move("wgtest0", home);
            break;
          case 'S':
            home.set_mtu("wgtest0", 1200);
            break;
          case 'd':
            home.remove("wgtest0");
            break;
          default:
            break;
        }
      }
      ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    ::close(link[1]);
    const auto order = [&](char what) {
      char answer = 0;
      ASSERT_EQ(::send(link[0], &what, 1, 0), 1);
      ASSERT_EQ(::recv(link[0], &answer, 1, 0), 1);
    };
    keep_capabilities(0);
    order('m');
    expect_heard(watcher, down(1500), "moved");
    order('s');
    expect_heard(watcher, down(1300), "mtu");
    order('u');
    expect_heard(watcher, up(1300), "up");
    // Into a namespace without an id here: only the descriptor still tells.
    order('n');
    expect_heard(watcher, down(1300), "moved on");
    order('U');
    EXPECT_FALSE(watcher.read_changes());
    EXPECT_TRUE(watcher.probe());
    EXPECT_EQ(watcher.state(), up(1300));
    order('b');
    watcher.read_changes();
    EXPECT_EQ(watcher.state(), down(1300));
    order('S');
    expect_heard(watcher, down(1200), "mtu, back home");
    order('d');
    EXPECT_TRUE(watcher.read_changes());
    EXPECT_TRUE(watcher.state().is_gone);
    ::close(link[0]);
    int status = 0;
    ::waitpid(administrator, &status, 0);
    EXPECT_EQ(status, 0);
  });
}

// Container runtimes give the own namespace an id; kernels before mid-2026 then tag its events with it, newer ones do not.
TEST(LinkWatcher, KnowsItsOwnNamespaceByIdToo) {
  run_in_own_namespace([] {
    const auto home = Namespace::current();
    auto [tun, watcher] = watch();
    home.name_namespace(home, 7);
    keep_capabilities(kNetAdmin);
    expect_followed_in(home, watcher, 1420);
  });
}

TEST(LinkWatcher, AsksAgainWhenTheKernelDroppedEvents) {
  run_in_own_namespace([] {
    const auto home = Namespace::current(), there = Namespace::make();
    auto [tun, watcher] = watch();
    const int smallest = 1;
    ASSERT_EQ(::setsockopt(watcher.fd(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest), 0);
    for (int mtu = 1000; mtu <= 1100; ++mtu) home.set_mtu("wgtest0", mtu);
    home.set_up("wgtest0", true);
    EXPECT_TRUE(watcher.read_changes());
    EXPECT_EQ(watcher.state(), up(1100));
    for (int mtu = 1100; mtu >= 1000; --mtu) home.set_mtu("wgtest0", mtu);
    home.move("wgtest0", there);
    there.rename("wgtest0", "other");
    EXPECT_TRUE(watcher.read_changes());
    EXPECT_EQ(watcher.state(), down(1000, "other"));
    for (int mtu = 1000; mtu <= 1100; ++mtu) there.set_mtu("other", mtu);
    there.remove("other");
    EXPECT_TRUE(watcher.read_changes());
    EXPECT_TRUE(watcher.state().is_gone);
  });
}

// Without a capability nobody says where the device went; that another has its name now must not deceive.
TEST(LinkWatcher, DoesNotTakeAnotherDeviceOfTheNameForItsOwn) {
  run_in_own_namespace([] {
    const auto home = Namespace::current(), there = Namespace::make();
    auto [tun, watcher] = watch();
    const int smallest = 1;
    ASSERT_EQ(::setsockopt(watcher.fd(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest), 0);
    for (int mtu = 1000; mtu <= 1100; ++mtu) home.set_mtu("wgtest0", mtu);
    home.move("wgtest0", there);
    const auto other = open_tun("wgtest0", 1);
    ASSERT_TRUE(other);
    home.set_mtu("wgtest0", 9000);
    home.set_up("wgtest0", true);
    keep_capabilities(0);
    watcher.read_changes();
    watcher.probe();
    EXPECT_FALSE(watcher.state().is_up);
    EXPECT_NE(watcher.state().mtu, 9000U);
  });
}

TEST(LinkWatcher, ProbesWhatNoEventSaid) {
  run_in_own_namespace([] {
    const auto home = Namespace::current();
    auto [tun, watcher] = watch();
    home.set_mtu("wgtest0", 1420);
    home.set_up("wgtest0", true);
    EXPECT_TRUE(watcher.probe());  // and read_changes() was not called
    EXPECT_EQ(watcher.state(), up(1420));
    home.set_up("wgtest0", false);
    EXPECT_TRUE(watcher.probe());
    EXPECT_EQ(watcher.state(), down(1420));
    home.remove("wgtest0");
    EXPECT_TRUE(watcher.probe());
    EXPECT_TRUE(watcher.state().is_gone);
  });
}

// The end of a namespace is the end of the devices made in it.
TEST(LinkWatcher, NoticesTheEndOfTheNamespace) {
  run_in_own_namespace([] {
    const auto home = Namespace::current();
    auto there = Namespace::make();
    auto [tun, watcher] = watch();
    home.move("wgtest0", there);
    expect_heard(watcher, down(1500), "moved");
    there = Namespace();
    for (int tenths = 0; tenths < 100 && !watcher.state().is_gone; ++tenths) {  // the kernel cleans up in the background
      ::usleep(100'000);
      watcher.read_changes();
      watcher.probe();
    }
    EXPECT_TRUE(watcher.state().is_gone);
  });
}

TEST(LinkWatcher, ProbesWithoutCountingPackets) {
  run_in_own_namespace([] {
    auto [tun, watcher] = watch();
    for (int i = 0; i < 10; ++i) watcher.probe();
    std::FILE* file = std::fopen("/proc/thread-self/net/dev", "r");
    ASSERT_NE(file, nullptr);
    char line[512];
    bool is_found = false;
    while (std::fgets(line, sizeof line, file) != nullptr) {
      unsigned long bytes = 0, packets = 0, errors = 0, drops = 0;
      if (std::sscanf(line, " wgtest0: %lu %lu %lu %lu", &bytes, &packets, &errors, &drops) != 4) continue;
      is_found = true;
      EXPECT_EQ(bytes + packets + errors + drops, 0U);
    }
    std::fclose(file);
    EXPECT_TRUE(is_found);
  });
}

TEST(LinkWatcher, TakesANamelessDeviceForUp) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const FileDescriptor other(ends[1]);
  std::vector<FileDescriptor> queues;
  queues.emplace_back(ends[0]);
  const auto tun = adopt_tun(std::move(queues));
  ASSERT_TRUE(tun);
  auto watcher = LinkWatcher::open(*tun);
  ASSERT_TRUE(watcher);
  const LinkState constant{"", 0, true, false};
  EXPECT_EQ(watcher->state(), constant);
  EXPECT_GE(watcher->fd(), 0);
  EXPECT_FALSE(is_readable(watcher->fd()));
  EXPECT_FALSE(watcher->read_changes());
  EXPECT_FALSE(watcher->probe());
  EXPECT_EQ(watcher->state(), constant);
}

}  // namespace
}  // namespace wgu::io
