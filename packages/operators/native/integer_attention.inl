// The attention of one head by products of 16-bit integers, which take half the time of those in single precision; compiled once for each
// set of instructions (see integer_attention_*.cc). TP_ATTEND_INTEGERS is the function's name, TP_LANES the numbers of one register,
// TP_ROWS how many queries share a pass over the keys.
//
// Each query, key and value is rounded with a scale of its own, the former to about 14 bits, values to 11, the probabilities of a query, times the scales of their values,
// to 14: the error is a tenth of that of activations of 8 bits. Sums of integers are exact, and a head reads nothing but its own example.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "attention.h"
#include "biases.inl"
#include "vectors.inl"

#if defined(__AVX512VNNI__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

namespace tp {
namespace {

constexpr size_t kRows = TP_ROWS;
/// Queries whose scores are held at once.
constexpr size_t kBlock = kRows * (32 / kRows);

typedef int16_t Shorts __attribute__((vector_size(kLanes * 2)));

/// Products that one sum of integers takes: 64 · 16383 · 2047 < 2³¹.
constexpr size_t kSummed = 64;
constexpr float kMostShare = 16383;
/// A row whose numbers are smaller becomes zeros: squares of such would be none.
constexpr float kLeast = 1e-15f;
/// How large the numbers of a rounded row may be, and its 2-norm. Of a query and a key no sum of products is larger than both norms' product, and
/// 46300² < 2³¹: limited like that they have two bits more than if each number had to be small enough.
struct Limit {
  float size, norm;
};
constexpr Limit kOfScores = {32767, 46300}, kOfValues = {2047, std::numeric_limits<float>::infinity()};

/// sums + a·b of the two 16-bit numbers in each lane
inline Integers AddProducts(Integers sums, Integers a, Integers b) {
#if defined(__AVX512VNNI__)
  return reinterpret_cast<Integers>(
      _mm512_dpwssd_epi32(reinterpret_cast<__m512i>(sums), reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return sums + reinterpret_cast<Integers>(_mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return sums + reinterpret_cast<Integers>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return sums + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
}

inline Integers LoadIntegers(const int32_t* from) {
  Integers vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}
inline Vector Floats(Integers bits) {
  Vector x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// All lanes as one number: those of one half with those of the other, again and again.
template <typename Number, size_t count = kLanes, typename Lanes, typename Join>
inline Number Joined(Lanes lanes, const Join& join) {
  if constexpr (count == 4) {
    return join(join(lanes[0], lanes[2]), join(lanes[1], lanes[3]));
  } else {
    typedef Number Half __attribute__((vector_size(count / 2 * sizeof(Number))));
    Half halves[2];
    std::memcpy(halves, &lanes, sizeof lanes);
    return Joined<Number, count / 2>(join(halves[0], halves[1]), join);
  }
}
template <typename Number, typename Lanes>
inline Number Largest(Lanes lanes) {
  return Joined<Number>(lanes, [](auto a, auto b) { return a > b ? a : b; });
}

inline float Sum(Vector lanes) {
  return Joined<float>(lanes, [](auto a, auto b) { return a + b; });
}

/// One after another of these buffers serves all heads that a thread computes. Two 16-bit numbers are a pair; rows have whole pairs and
/// registers, with zeros behind their last number.
struct Scratch {
  std::vector<float> row;         // [padded headDim or valueDim]
  std::vector<int32_t> rounded;   // [padded keys, pairs]
  std::vector<int32_t> keys;      // [pairs of features, padded keys]
  std::vector<int32_t> values;    // [pairs of keys, padded valueDim]
  std::vector<float> keyScales;   // [padded keys]
  std::vector<float> valueScales; // [padded keys]
  std::vector<int32_t> query;     // [kBlock, pairs of features]
  std::vector<float> queryScales; // [kBlock]
  std::vector<float> scores;      // [kBlock, padded keys]
  std::vector<int32_t> shares;    // [kBlock, pairs of keys]
};

/// Rounds a row of `matrix`, and returns its step. `buffer` and `rounded` hold `padded` numbers.
inline float RoundRow(const Matrix& matrix, size_t row, size_t count, const Limit& limit, float* buffer, size_t padded, int32_t* rounded) {
  const float* from = matrix.data + static_cast<ptrdiff_t>(row) * matrix.rowStride;
  const float* x = from;
  if (matrix.columnStride != 1 || count != padded) {
    for (size_t p = 0; p < count; p++) buffer[p] = from[static_cast<ptrdiff_t>(p) * matrix.columnStride];
    std::fill(buffer + count, buffer + padded, 0.f);
    x = buffer;
  }
  Integers sizes = {};
  Vector squares = {};
  for (size_t p = 0; p < padded; p += kLanes) {
    const Vector own = Load(x + p);
    sizes = Larger(Bits(own) & kSize, sizes);
    squares += own * own;
  }
  // As bits, so that NaN is the largest.
  const auto bits = Largest<int32_t>(sizes);
  float largest;
  std::memcpy(&largest, &bits, sizeof largest);
  const float norm = std::sqrt(Sum(squares));
  const float perNumber = largest < kLeast ? 0 : std::min(limit.size / largest, limit.norm / norm);
  auto* to = reinterpret_cast<char*>(rounded);
  for (size_t p = 0; p < padded; p += kLanes) {
    const Shorts shorts = __builtin_convertvector(Bits(Load(x + p) * perNumber + kToInteger), Shorts);
    std::memcpy(to + p * sizeof(int16_t), &shorts, sizeof shorts);
  }
  return largest < kLeast ? 0 : 1 / perNumber;
}

/// scores[kRows, registers] = query · keys
template <size_t registers>
inline void ScoreTile(const Scratch& scratch, size_t pairs, size_t padded, size_t query, size_t key, float* scores) {
  Integers sums[kRows][registers] = {};
  const int32_t* queries = scratch.query.data() + query * pairs;
  const int32_t* keys = scratch.keys.data() + key;
  for (size_t p = 0; p < pairs; p++) {
    Integers own[registers];
    for (size_t k = 0; k < registers; k++) own[k] = LoadIntegers(keys + p * padded + k * kLanes);
    for (size_t i = 0; i < kRows; i++) {
      const Integers pair = Integers{} + queries[i * pairs + p];
      for (size_t k = 0; k < registers; k++) sums[i][k] = AddProducts(sums[i][k], own[k], pair);
    }
  }
  for (size_t k = 0; k < registers; k++) {
    const Vector scale = Load(scratch.keyScales.data() + key + k * kLanes);
    for (size_t i = 0; i < kRows; i++) {
      Store(scores + i * padded + k * kLanes, __builtin_convertvector(sums[i][k], Vector) * (scale * scratch.queryScales[query + i]));
    }
  }
}

/// context[kRows, registers] = shares · values
template <size_t registers>
inline void MixTile(const int32_t* shares, size_t stride, size_t pairs, const int32_t* values, size_t width, Vector (&context)[kRows][registers]) {
  for (size_t i = 0; i < kRows; i++) {
    for (size_t k = 0; k < registers; k++) context[i][k] = Vector{};
  }
  for (size_t from = 0; from < pairs; from += kSummed / 2) {
    Integers sums[kRows][registers] = {};
    const size_t to = std::min(pairs, from + kSummed / 2);
    for (size_t p = from; p < to; p++) {
      Integers own[registers];
      for (size_t k = 0; k < registers; k++) own[k] = LoadIntegers(values + p * width + k * kLanes);
      for (size_t i = 0; i < kRows; i++) {
        const Integers pair = Integers{} + shares[i * stride + p];
        for (size_t k = 0; k < registers; k++) sums[i][k] = AddProducts(sums[i][k], own[k], pair);
      }
    }
    for (size_t i = 0; i < kRows; i++) {
      for (size_t k = 0; k < registers; k++) context[i][k] += __builtin_convertvector(sums[i][k], Vector);
    }
  }
}

/// 2ˣ to 3·10⁻⁶ of it, for −126 < x ≤ 0.
inline Vector PowerOf2(Vector x) {
  const Vector shifted = x + kToInteger;
  const Vector rest = x - (shifted - kToInteger);
  Vector p = All(0.0096004f);
  p = p * rest + 0.05591689f;
  p = p * rest + 0.24023718f;
  p = p * rest + 0.69312199f;
  p = p * rest + 1.f;
  return Floats(Bits(p) + (Bits(shifted) << 23));
}

/// Of a query: the sum of its powers, and what a share counts.
struct Softened {
  float sum;
  float step;
};

/// Turns one query's scores into 2ˢ⁻ᵐᵃˣ, and into shares: those times the steps of the values, rounded to 14 bits. A key that is attended most may have
/// the least value, so that the largest share is not that of the largest power. Where the query sees no key, all of them are 0.
inline Softened Soften(float* scores, size_t keys, size_t padded, const float* valueScales, int32_t* shares) {
  const float lowest = -std::numeric_limits<float>::infinity();
  for (size_t j = keys; j < padded; j++) scores[j] = lowest;
  Vector most = All(lowest);
  for (size_t j = 0; j < padded; j += kLanes) most = Larger(Load(scores + j), most);
  const auto largest = Largest<float>(most);
  if (SeesNothing(scores, keys, largest)) {
    std::fill(scores, scores + padded, 0.f);
    std::fill(shares, shares + padded / 2, 0);
    return {1, 0};
  }
  Vector sum = {};
  Integers sizes = {};
  // Too small to be seen among the rounded ones. NaN stays.
  const Vector least = All(-60);
  for (size_t j = 0; j < padded; j += kLanes) {
    Vector power = Load(scores + j) - largest;
    power = PowerOf2(power < least ? least : power);
    Store(scores + j, power);
    sum += power;
    sizes = Larger(Bits(power * Load(valueScales + j)) & kSize, sizes);
  }
  // As bits, so that NaN is the largest.
  const auto bits = Largest<int32_t>(sizes);
  float share;
  std::memcpy(&share, &bits, sizeof share);
  const float perShare = share < 1e-30f ? 0 : kMostShare / share;
  auto* to = reinterpret_cast<char*>(shares);
  for (size_t j = 0; j < padded; j += kLanes) {
    const Vector own = Load(scores + j) * (Load(valueScales + j) * perShare);
    const Shorts shorts = __builtin_convertvector(Bits(own + kToInteger), Shorts);
    std::memcpy(to + j * sizeof(int16_t), &shorts, sizeof shorts);
  }
  return {Sum(sum), share / kMostShare};
}

inline void RoundKeysAndValues(const Head& head, size_t depth, size_t width, size_t padded, Scratch& scratch) {
  const size_t pairs = depth / 2;
  auto& rounded = scratch.rounded;
  std::fill(scratch.keyScales.begin() + static_cast<ptrdiff_t>(head.keys), scratch.keyScales.end(), 0.f);
  std::fill(scratch.valueScales.begin() + static_cast<ptrdiff_t>(head.keys), scratch.valueScales.end(), 0.f);
  std::fill(rounded.begin() + static_cast<ptrdiff_t>(head.keys * pairs), rounded.begin() + static_cast<ptrdiff_t>(padded * pairs), 0);
  for (size_t j = 0; j < head.keys; j++) {
    scratch.keyScales[j] = RoundRow(head.key, j, head.headDim, kOfScores, scratch.row.data(), depth, rounded.data() + j * pairs);
  }
  for (size_t j = 0; j < padded; j += kLanes) {
    for (size_t p = 0; p < pairs; p++) {
      for (size_t k = 0; k < kLanes; k++) scratch.keys[p * padded + j + k] = rounded[(j + k) * pairs + p];
    }
  }
  std::fill(rounded.begin() + static_cast<ptrdiff_t>(head.keys * width / 2), rounded.end(), 0);
  for (size_t j = 0; j < head.keys; j++) {
    int32_t* to = rounded.data() + j * width / 2;
    scratch.valueScales[j] = RoundRow(head.value, j, head.valueDim, kOfValues, scratch.row.data(), width, to);
  }
  const auto* numbers = reinterpret_cast<const char*>(rounded.data());
  for (size_t j = 0; j < padded; j += 2) {
    for (size_t p = 0; p < width; p += kLanes) {
      Shorts first, second;
      std::memcpy(&first, numbers + (j * width + p) * 2, sizeof first);
      std::memcpy(&second, numbers + ((j + 1) * width + p) * 2, sizeof second);
      const Integers pairs = (__builtin_convertvector(first, Integers) & 0xFFFF) | __builtin_convertvector(second, Integers) << 16;
      std::memcpy(scratch.values.data() + j / 2 * width + p, &pairs, sizeof pairs);
    }
  }
}

}  // namespace

void TP_ATTEND_INTEGERS(const Head& head) {
  static thread_local Scratch scratch;
  const size_t padded = RoundUp(head.keys, kLanes);
  const size_t depth = RoundUp(std::max<size_t>(head.headDim, 1), kLanes), width = RoundUp(std::max<size_t>(head.valueDim, 1), kLanes);
  const size_t pairs = depth / 2;
  scratch.row.resize(std::max(depth, width));
  scratch.rounded.resize(padded * std::max(depth, width) / 2);
  scratch.keys.resize(pairs * padded);
  // Not empty where there are no keys: nowhere has no columns.
  scratch.values.resize(std::max<size_t>(padded / 2, 1) * width);
  scratch.keyScales.resize(padded);
  scratch.valueScales.resize(padded);
  scratch.query.resize(kBlock * pairs);
  scratch.queryScales.resize(kBlock);
  scratch.scores.resize(kBlock * padded);
  scratch.shares.resize(kBlock * padded / 2);
  RoundKeysAndValues(head, depth, width, padded, scratch);
  const float log2e = 1.44269504f;
  for (size_t start = 0; start < head.queries; start += kBlock) {
    const size_t count = std::min(kBlock, head.queries - start);
    const size_t rows = RoundUp(count, kRows);
    for (size_t i = 0; i < rows; i++) {
      // Rows behind the last query repeat it, and are thrown away.
      const size_t query = start + std::min(i, count - 1);
      int32_t* to = scratch.query.data() + i * pairs;
      scratch.queryScales[i] = head.scale * log2e * RoundRow(head.query, query, head.headDim, kOfScores, scratch.row.data(), depth, to);
    }
    for (size_t i = 0; i < rows; i += kRows) {
      float* scores = scratch.scores.data() + i * padded;
      size_t j = 0;
      for (; j + 2 * kLanes <= padded; j += 2 * kLanes) ScoreTile<2>(scratch, pairs, padded, i, j, scores + j);
      if (j < padded) ScoreTile<1>(scratch, pairs, padded, i, j, scores + j);
    }
    for (size_t i = 0; i < rows; i++) {
      float* scores = scratch.scores.data() + i * padded;
      const size_t query = start + std::min(i, count - 1);
      AddBiases(head, query, log2e, scores);
      const auto [sum, step] = Soften(scores, head.keys, padded, scratch.valueScales.data(), scratch.shares.data() + i * padded / 2);
      scratch.queryScales[i] = step / sum;
      if (head.received == nullptr || i >= count) continue;
      const float weight = head.queryWeights[query] / sum;
      for (size_t j = 0; j < head.keys; j++) head.received[j] += scores[j] * weight;
    }
    for (size_t i = 0; i < rows; i += kRows) {
      const int32_t* shares = scratch.shares.data() + i * padded / 2;
      const auto mix = [&](auto registers, size_t p) {
        constexpr size_t known = decltype(registers)::value;
        Vector sums[kRows][known];
        MixTile<known>(shares, padded / 2, (head.keys + 1) / 2, scratch.values.data() + p, width, sums);
        for (size_t r = 0; r < kRows && i + r < count; r++) {
          float line[known * kLanes];
          float* to = head.context + static_cast<ptrdiff_t>(start + i + r) * head.contextStride + p;
          const bool isWhole = p + known * kLanes <= head.valueDim;
          for (size_t k = 0; k < known; k++) Store((isWhole ? to : line) + k * kLanes, sums[r][k] * scratch.queryScales[i + r]);
          if (!isWhole) std::memcpy(to, line, (head.valueDim - p) * sizeof(float));
        }
      };
      size_t p = 0;
      for (; p + 2 * kLanes <= width; p += 2 * kLanes) mix(std::integral_constant<size_t, 2>(), p);
      if (p < width && p < head.valueDim) mix(std::integral_constant<size_t, 1>(), p);
    }
  }
}

}  // namespace tp
