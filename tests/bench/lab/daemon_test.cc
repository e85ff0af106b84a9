// The daemons are shell scripts that do just what a test is about, and a control socket served by python3.
#include "bench/lab/daemon.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests_in_sandbox.h"

namespace wgu::bench {
namespace {

TEST(CommandLine, NamesTheInterfaceOnce) {
  EXPECT_EQ(command_line("wireguard-go", "wb1"), "wireguard-go wb1");
  EXPECT_EQ(command_line("env A=1 x -f", "wb1"), "env A=1 x -f wb1");
  EXPECT_EQ(command_line("x --tun={} --verbose", "wb1"), "x --tun=wb1 --verbose");
  EXPECT_EQ(command_line("x {} {}", "wb1"), "x wb1 wb1");
}

TEST(ErrnoOf, IsTheLastLine) {
  EXPECT_EQ(errno_of("errno=0\n\n"), 0);
  EXPECT_EQ(errno_of("listen_port=1\nerrno=0\n\n"), 0);
  EXPECT_EQ(errno_of("errno=-22\n\n"), -22);
  EXPECT_EQ(errno_of("public_key=00\nerrno=17\n\n"), 17);
  for (const char* wrong : {"", "errno=0", "errno=0\n", "errno=\n\n", "xerrno=0\n\n", "errno=0x\n\n", "errno=0\n\nx=1\n\n"}) {
    EXPECT_FALSE(errno_of(wrong)) << wrong;
  }
}

// Serves the control socket of interface argv[1], answering every request with argv[2], and set=1 with argv[3] if there is one.
constexpr const char* kServer = R"(
import os, socket, sys
path = "/var/run/wireguard/%s.sock" % sys.argv[1]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
print("serving", flush=True)
while True:
    client, _ = listener.accept()
    text = b""
    while not text.endswith(b"\n\n"):
        part = client.recv(4096)
        if not part: break
        text += part
    if b"set=1" in text: open("/var/run/" + sys.argv[1], "wb").write(text)
    answer = sys.argv[-1] if b"set=1" in text else sys.argv[2]
    client.sendall(answer.encode().decode("unicode_escape").encode())
    client.close()
)";

// The path of the server's script, in the sandbox's own /run.
std::string write_server() {
  std::ofstream("/var/run/server.py") << kServer;
  return "/var/run/server.py";
}

bool has_python() { return std::system("python3 -c pass >/dev/null 2>&1") == 0; }

TEST(Daemon, IsReadyWhenItsSocketAnswers) {
  if (!has_python()) GTEST_SKIP() << "needs python3";
  in_sandbox([] {
    const std::string server = write_server();
    auto where = NetworkNamespace::create().value();
    // In the foreground, and leaving for the background in a session of its own.
    for (const std::string& command :
         {"exec python3 " + server + " {} 'errno=0\\n\\n'", "setsid python3 " + server + " {} 'errno=0\\n\\n' &"}) {
      pid_t pid = 0;
      {
        auto daemon = Daemon::start(where, command, "wbtest");
        ASSERT_TRUE(daemon) << daemon.error().message;
        ASSERT_EQ(daemon->processes().size(), 1U) << command;
        pid = daemon->processes()[0];
        EXPECT_TRUE(daemon->is_running());
        DeviceChange change;
        change.listen_port = 51820;
        EXPECT_TRUE(daemon->configure(change));
        std::ifstream request("/var/run/wbtest");
        std::string line;
        std::getline(request, line);
        EXPECT_EQ(line, "set=1");
        std::getline(request, line);
        EXPECT_EQ(line, "listen_port=51820");
        EXPECT_EQ(daemon->status().value(), "errno=0\n\n");
        EXPECT_EQ(daemon->last_output(), "serving");
      }
      EXPECT_FALSE(is_running(pid)) << command;
      EXPECT_FALSE(std::filesystem::exists("/var/run/wireguard/wbtest.sock"));
    }
  });
}

TEST(Daemon, ThatEndsAtOnceSaysWhy) {
  in_sandbox([] {
    auto where = NetworkNamespace::create().value();
    const auto daemon = Daemon::start(where, "echo no such device >&2; exit 3;", "wbtest");
    ASSERT_FALSE(daemon);
    EXPECT_EQ(daemon.error().code, ECHILD);
    EXPECT_NE(daemon.error().message.find("no such device"), std::string::npos) << daemon.error().message;
    EXPECT_EQ(Daemon::start(where, "/no/such/program", "wbtest").error().code, ECHILD);
  });
}

TEST(Daemon, RefusalIsAnError) {
  if (!has_python()) GTEST_SKIP() << "needs python3";
  in_sandbox([] {
    auto where = NetworkNamespace::create().value();
    const std::string server = write_server();
    auto daemon = Daemon::start(where, "exec python3 " + server + " {} 'errno=0\\n\\n' 'errno=-22\\n\\n'", "wbtest");
    ASSERT_TRUE(daemon) << daemon.error().message;
    const auto refused = daemon->configure({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, EIO);
    EXPECT_NE(refused.error().message.find("errno=-22"), std::string::npos);
  });
}

}  // namespace
}  // namespace wgu::bench
