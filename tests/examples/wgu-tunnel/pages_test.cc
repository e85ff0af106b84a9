#include "wgu-tunnel/pages.h"

#include <gtest/gtest.h>

#include <new>
#include <nlohmann/json.hpp>
#include <sstream>

#include "telemetry/snapshots.h"

namespace wgu {
namespace {

class PagesTest : public testing::Test {
 protected:
  PageResponse get(std::string_view path, std::string_view accept = "") {
    return pages_.answer({.method = "GET", .path = path, .accept = accept});
  }
  std::string code_line(const std::string& code) {
    std::istringstream lines(get("/metrics").body);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("wgu_http_responses_total") && line.find("code=\"" + code + "\"") != std::string::npos)
        return line.substr(line.rfind(' ') + 1);
    }
    return "absent";
  }

  unsigned asked_ = 0;
  bool is_out_of_memory_ = false;
  std::vector<TelemetryLevel> levels_;
  Pages pages_{
      {.snapshot =
           [this] {
             ++asked_;
             if (is_out_of_memory_) throw std::bad_alloc();
             return telemetry::snapshot_of(2, 3);
           },
       .events =
           [] {
             return std::vector<Event>{{.kind = EventKind::kSessionInstalled, .value = 7}, {.kind = EventKind::kMtuChanged, .value = 1280}};
           },
       .set_telemetry = [this](TelemetryLevel level) { levels_.push_back(level); }}};
};

TEST_F(PagesTest, MetricsInTheFormatThatWasAskedFor) {
  const PageResponse plain = get("/metrics");
  EXPECT_EQ(plain.code, 200U);
  EXPECT_EQ(plain.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(plain.body.find("# EOF"), std::string::npos);
  EXPECT_NE(plain.body.find("# TYPE wgu_http_responses_total counter\n"), std::string::npos);
  const PageResponse open = get("/metrics", "application/openmetrics-text");
  EXPECT_EQ(open.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(open.body.ends_with("# EOF\n"));
  EXPECT_EQ(open.body.find("# EOF"), open.body.size() - 6) << "once, behind what the server adds";
  EXPECT_NE(open.body.find("# TYPE wgu_http_responses counter\n"), std::string::npos);
}

TEST_F(PagesTest, JsonAndEventsAreWholeLines) {
  const PageResponse json = get("/json");
  EXPECT_EQ(json.content_type, "application/json");
  EXPECT_EQ(nlohmann::json::parse(json.body).at("peers").size(), 3U);
  const PageResponse events = get("/events");
  EXPECT_EQ(events.content_type, "application/x-ndjson");
  std::istringstream lines(events.body);
  std::vector<std::string> kinds;
  for (std::string line; std::getline(lines, line);) kinds.push_back(nlohmann::json::parse(line).at("event"));
  EXPECT_EQ(kinds, (std::vector<std::string>{"session_installed", "mtu_changed"}));
}

TEST_F(PagesTest, WhatIsNoPageIsRefusedWithoutAskingTheEngine) {
  const struct {
    PageRequest request;
    unsigned code;
  } rows[] = {
      {{.method = "GET", .path = "/nothing"}, 404},
      {{.method = "POST", .path = "/nothing"}, 404},
      {{.method = "GET", .path = "/metrics/"}, 404},
      {{.method = "GET", .path = "/../metrics"}, 404},
      {{.method = "GET", .path = ""}, 404},
      {{.method = "POST", .path = "/metrics"}, 405},
      {{.method = "DELETE", .path = "/"}, 405},
      {{.method = "get", .path = "/json"}, 405},
      {{.method = "GET", .path = "/json", .has_body = true}, 413},
  };
  for (const auto& row : rows) EXPECT_EQ(pages_.answer(row.request).code, row.code) << row.request.method << ' ' << row.request.path;
  EXPECT_EQ(pages_.answer({.method = "PUT", .path = "/json"}).allow, "GET, HEAD") << "RFC 9110, 15.5.6: MUST generate Allow";
  EXPECT_EQ(asked_, 0U);
  EXPECT_EQ(pages_.answer({.method = "HEAD", .path = "/"}).code, 200U);
  EXPECT_NE(get("/").body.find("/metrics"), std::string::npos);
}

TEST_F(PagesTest, TelemetryIsSetOverTheDaemonsOwnSocketOnly) {
  const auto post = [this](std::string_view path, bool is_control) {
    return pages_.answer({.method = "POST", .path = path, .is_control = is_control}).code;
  };
  EXPECT_EQ(post("/telemetry/all", false), 404U) << "--metrics shows no sign of it";
  EXPECT_EQ(post("/telemetry/everything", true), 400U);
  EXPECT_EQ(post("/telemetry/", true), 400U);
  EXPECT_EQ(pages_.answer({.method = "GET", .path = "/telemetry/all", .is_control = true}).allow, "POST") << "a GET changes nothing";
  EXPECT_TRUE(levels_.empty());
  EXPECT_EQ(post("/telemetry/all", true), 200U);
  EXPECT_EQ(post("/telemetry/off", true), 200U);
  EXPECT_EQ(levels_, (std::vector{TelemetryLevel::kAll, TelemetryLevel::kOff}));
}

TEST_F(PagesTest, WhatFailsIsAnsweredWithoutNeedingMemory) {
  is_out_of_memory_ = true;
  const PageResponse failed = get("/metrics");
  EXPECT_EQ(failed.code, 500U);
  EXPECT_LE(failed.content_type.capacity(), std::string().capacity()) << "answer() may not throw, and an allocation would";
  EXPECT_LE(failed.body.capacity(), std::string().capacity());
}

TEST_F(PagesTest, CountsEachAnswerOnce) {
  for (const char* code : {"400", "404", "405", "413", "500"})
    EXPECT_EQ(code_line(code), "0") << code << ": zeros are there from the start";
  static_cast<void>(get("/nothing"));
  static_cast<void>(get("/nothing"));
  static_cast<void>(pages_.answer({.method = "PUT", .path = "/"}));
  static_cast<void>(pages_.answer({.method = "GET", .path = "/", .has_body = true}));
  static_cast<void>(pages_.answer({.method = "POST", .path = "/telemetry/x", .is_control = true}));
  is_out_of_memory_ = true;
  EXPECT_EQ(get("/json").code, 500U);
  is_out_of_memory_ = false;
  pages_.count_unfinished();
  EXPECT_EQ(code_line("404"), "2");
  EXPECT_EQ(code_line("405"), "1");
  EXPECT_EQ(code_line("413"), "1");
  EXPECT_EQ(code_line("400"), "1");
  EXPECT_EQ(code_line("500"), "1");
  EXPECT_EQ(code_line("200"), "10") << "those that asked for the above";
  EXPECT_NE(get("/metrics").body.find("\nwgu_http_unfinished_responses_total{device=\"w\\\"g\\\\0\"} 1\n"), std::string::npos);
}

}  // namespace
}  // namespace wgu
