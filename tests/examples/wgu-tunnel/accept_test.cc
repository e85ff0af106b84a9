#include "wgu-tunnel/accept.h"

#include <gtest/gtest.h>

namespace wgu {
namespace {

constexpr auto kPrometheus = MetricsFormat::kPrometheus;
constexpr auto kOpenMetrics = MetricsFormat::kOpenMetrics;

TEST(Accept, PrefersWhatWeighsMost) {
  const struct {
    const char* accept;
    MetricsFormat format;
    const char* why;
  } rows[] = {
      {"", kPrometheus, "nothing was asked for"},
      {"*/*", kPrometheus, "curl"},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", kPrometheus, "a browser"},
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/"
       "*;q=0.1",
       kOpenMetrics, "Prometheus 2.42"},
      {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       kOpenMetrics, "Prometheus 3"},
      {"text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.8", kPrometheus, "the order does not count"},
      {"application/openmetrics-text;q=0.8, text/plain;q=0.9", kPrometheus, ""},
      {"text/plain;q=0.899, application/openmetrics-text;q=0.9", kOpenMetrics, "three digits"},
      {"application/openmetrics-text", kOpenMetrics, "any version"},
      {"application/openmetrics-text;version=2.0.0", kPrometheus, "a version that we do not speak"},
      {"application/openmetrics-text;version=0.0.1", kPrometheus, ""},
      {"application/openmetrics-text;version=\"1.0.0\"", kOpenMetrics, "quoted"},
      {"APPLICATION/OpenMetrics-Text ; Version=1.0.0 ; Q=1.000", kOpenMetrics, "names have no case"},
      {"application/*, text/*;q=0.5", kOpenMetrics, "ranges of a type"},
      {"*/*;q=1, application/openmetrics-text;q=0", kPrometheus, "the more specific range wins: not acceptable"},
      {"*/*;q=0.1, text/plain;q=0", kOpenMetrics, "... for the other format too"},
      {"application/openmetrics-text;q=0.5, application/openmetrics-text;version=1.0.0;q=0.1, text/plain;q=0.3", kPrometheus, ""},
      {"application/openmetrics-text;q=0, text/plain;q=0", kPrometheus, "nothing is acceptable: as if nothing was asked"},
      {"application/json", kPrometheus, ""},
      {"application/openmetrics-text;q=2, text/plain;q=0.1", kPrometheus, "a malformed weight"},
      {"application/openmetrics-text;q=0.1234, text/plain;q=0.1", kPrometheus, "... with four digits"},
      {"application/openmetrics-text;q=1.001, text/plain;q=0.1", kPrometheus, "... above one"},
      {"application/openmetrics-text;q=, text/plain;q=0.1", kPrometheus, ""},
      {"application/openmetrics-text;q=.5, text/plain;q=0.1", kPrometheus, ""},
      {"application/openmetrics-text;note=\"a,b;q=0\", text/plain;q=0.5", kOpenMetrics, "what is quoted separates nothing"},
      {",,;;/;=,\"", kPrometheus, "rubbish"},
      {"application/openmetrics-text;\"", kOpenMetrics, "a parameter without a name is none"},
  };
  for (const auto& row : rows) EXPECT_EQ(preferred_format(row.accept), row.format) << row.accept << ": " << row.why;
}

}  // namespace
}  // namespace wgu
