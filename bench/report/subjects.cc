#include "bench/report/subjects.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace wgu::bench {

Role role_of(std::string_view subject) {
  std::string plain(subject);
  std::transform(plain.begin(), plain.end(), plain.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c == '-' || c == '_'; }, ' ');
  constexpr std::array kYardsticks = {"veth", "bare veth", "bare", "null cipher", "wgu null cipher", "relay"};
  constexpr std::array kKernels = {"avx512", "avx2", "portable"};
  const auto is_plain = [&](std::string_view name) { return plain == name; };
  if (std::any_of(kYardsticks.begin(), kYardsticks.end(), is_plain)) return Role::kLimit;
  if (std::any_of(kKernels.begin(), kKernels.end(), is_plain)) return Role::kOurs;
  return plain == "wgu" || plain.starts_with("wgu ") ? Role::kOurs : Role::kPeer;
}

Subjects::Subjects(std::span<const Results> runs) {
  const auto add = [&](const std::string& subject) {
    if (ranks_.emplace(subject, 0).second) names_.push_back(subject);
  };
  for (const Results& run : runs) {
    for (const Row& row : run.rows) add(row.subject);
    for (const Curve& curve : run.curves) add(curve.subject);
  }
  std::stable_sort(names_.begin(), names_.end(), [](const auto& a, const auto& b) { return role_of(a) < role_of(b); });

  int ours = 0, peers = 0, limits = 0;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    ranks_[names_[i]] = i;
    switch (role_of(names_[i])) {
      case Role::kOurs:
        styles_[names_[i]] = fmt::format("ours-{}", ours++ % kColoursOfOurs + 1);
        break;
      case Role::kPeer:
        styles_[names_[i]] = fmt::format("peer-{}", peers++ % kColoursOfPeers + 1);
        break;
      case Role::kLimit:
        styles_[names_[i]] = fmt::format("limit-{}", limits++ % kColoursOfLimits + 1);
        break;
    }
  }
}

std::size_t Subjects::rank(const std::string& subject) const {
  const auto found = ranks_.find(subject);
  return found == ranks_.end() ? names_.size() : found->second;
}

std::string Subjects::style(const std::string& subject) const {
  const auto found = styles_.find(subject);
  return found == styles_.end() ? "peer-1" : found->second;
}

}  // namespace wgu::bench
