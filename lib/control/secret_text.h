#pragma once
/// \file
/// Text that may hold keys (UAPI requests and replies, configuration files): whatever memory it has used is erased.

#include <string.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace wgu::control {

/// Erases every block before it goes back, those left behind by growth included.
template <class T>
struct ErasingAllocator {
  using value_type = T;
  ErasingAllocator() noexcept = default;
  template <class U>
  ErasingAllocator(const ErasingAllocator<U>&) noexcept {}
  [[nodiscard]] T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* block, std::size_t count) noexcept {
    ::explicit_bzero(block, count * sizeof(T));
    std::allocator<T>().deallocate(block, count);
  }
  friend bool operator==(const ErasingAllocator&, const ErasingAllocator&) noexcept { return true; }
};

/// A move-only string. Not a std::string, because that keeps short text inside the object, out of an allocator's reach.
class SecretText {
 public:
  SecretText() = default;
  SecretText(SecretText&&) noexcept = default;
  SecretText& operator=(SecretText&&) noexcept = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() = default;

  [[nodiscard]] std::string_view view() const noexcept { return {characters_.data(), characters_.size()}; }
  [[nodiscard]] std::size_t size() const noexcept { return characters_.size(); }
  [[nodiscard]] bool empty() const noexcept { return characters_.empty(); }

  SecretText& operator+=(std::string_view text) {
    characters_.insert(characters_.end(), text.begin(), text.end());
    return *this;
  }
  SecretText& operator+=(char character) {
    characters_.push_back(character);
    return *this;
  }

  /// Makes room for `count` more characters behind the text, for a read(2) to fill; truncate() what was not filled.
  [[nodiscard]] std::span<char> extend(std::size_t count) {
    const std::size_t old_size = characters_.size();
    characters_.resize(old_size + count);
    return std::span(characters_).subspan(old_size);
  }
  void truncate(std::size_t size) noexcept {
    ::explicit_bzero(characters_.data() + size, characters_.size() - size);
    characters_.resize(size);
  }
  void remove_prefix(std::size_t count) noexcept {
    const std::size_t rest = characters_.size() - count;
    if (rest != 0) ::memmove(characters_.data(), characters_.data() + count, rest);
    truncate(rest);
  }
  /// Erases the text; keeps the memory.
  void clear() noexcept {
    if (!characters_.empty()) truncate(0);
  }
  /// Erases the text and gives the memory back.
  void release() noexcept { std::vector<char, ErasingAllocator<char>>().swap(characters_); }

 private:
  std::vector<char, ErasingAllocator<char>> characters_;
};

}  // namespace wgu::control
