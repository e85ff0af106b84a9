#pragma once
// The commands that ask a running daemon instead of starting one.

#include <string>

enum class Query { kNone, kStatus, kJson, kCheck, kSetTelemetry };

// Prints the answer. The exit status: 0; 1: no answer, or packets that are not accounted for. `level` is kSetTelemetry's.
int run_query(Query query, const std::string& interface_name, const std::string& level);
