// Decisions made from bytes: those of a random generator, or those that a fuzzer changes one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <vector>

namespace tp {

class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t Byte() { return next_ < size_ ? data_[next_++] : 0; }
  /// From `least` to `most`, which are less than 65,536 apart.
  int64_t Int(int64_t least, int64_t most) {
    const uint64_t range = static_cast<uint64_t>(most - least) + 1;
    const uint64_t chosen = range <= 256 ? Byte() : Byte() + 256u * Byte();
    return least + static_cast<int64_t>(chosen % range);
  }
  /// True once in `times`.
  bool Once(int64_t times) { return Int(1, times) == 1; }
  template <typename T>
  T Of(const std::vector<T>& those) {
    return those[static_cast<size_t>(Int(0, static_cast<int64_t>(those.size()) - 1))];
  }
  /// A number that something is likely to go wrong with.
  int64_t Awkward() {
    constexpr int64_t most = std::numeric_limits<int64_t>::max();
    static const std::vector<int64_t> numbers = {
        -1, 0, 1, 2, 3, 4, 5, 7, 8, 9, 64, 255, 256, 257, 1 << 16, (1LL << 31) - 1, 1LL << 31, 1LL << 32, (1LL << 32) + 1,
        1LL << 40, 1LL << 60, (1LL << 60) - 1, 1LL << 61, 1LL << 62, most - 1, most, -most - 1, -most, -2, -(1LL << 32)};
    return Of(numbers);
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t next_ = 0;
};

}  // namespace tp
