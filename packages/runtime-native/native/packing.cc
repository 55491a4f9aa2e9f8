// Rows, Pack and Unpack: where tokens are, and moving them. See operators.h.
#include <cstring>
#include <limits>

#include "operators.h"

namespace tp {
namespace {

class Rows : public Operator {
 public:
  void Compute(const Context& context) const override {
    Input real = context.Read(0, "real", 2);
    const int64_t rows = real.shape.dims[0], length = real.shape.dims[1];
    if (rows == 0) throw std::runtime_error("the batch has no rows");
    // Bytes, since JavaScript may hand over others than 0 and 1.
    const auto* is = real.As<uint8_t>();
    int64_t tokens = 0;
    for (int64_t i = 0; i < rows * length; i++) tokens += is[i] != 0;
    auto* places = static_cast<int64_t*>(context.Write(0, {tokens}));
    auto* offsets = static_cast<int64_t*>(context.Write(1, {rows + 1}));
    int64_t token = 0;
    offsets[0] = 0;
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t n = 0; n < length; n++) {
        if (is[row * length + n] != 0) places[token++] = row * length + n;
      }
      offsets[row + 1] = token;
      if (token > offsets[row]) continue;
      throw std::runtime_error("row " + std::to_string(row) + " of the batch has no real token; leave it out");
    }
  }
};

/// Where rows and tokens are in a tensor: rows·folded along axis `rows` and tokens along `axis` behind it, or both along one axis.
struct Place {
  size_t rows, axis;
  int64_t folded;

  explicit Place(const Attributes& attributes) : folded(attributes.Int("folded")) {
    const int64_t first = attributes.Int("rows"), second = attributes.Int("axis");
    if (first < 0 || second < first || folded < 1) throw std::runtime_error("rows, axis and folded do not fit together");
    rows = static_cast<size_t>(first);
    axis = static_cast<size_t>(second);
  }
  /// Rows and tokens share an axis.
  bool IsFlat() const { return rows == axis; }
};

/// How the axes of a tensor fall into blocks around those of rows and tokens.
struct Layout {
  int64_t outer = 1;   // in front of the rows
  int64_t middle;      // between rows and tokens
  size_t bytes;        // behind the tokens
  int64_t tokens;      // along the token axis

  Layout(const Shape& shape, const Place& place) : middle(place.folded), bytes(SizeOf(shape.type)) {
    const std::vector<int64_t>& dims = shape.dims;
    if (place.axis >= dims.size()) throw std::runtime_error("there is no axis " + std::to_string(place.axis) + " for tokens");
    if (bytes == 0) throw std::runtime_error("tokens of this type cannot be moved");
    if (!place.IsFlat() && dims[place.rows] % place.folded != 0) throw std::runtime_error("its axis does not hold whole rows");
    tokens = dims[place.axis];
    for (size_t i = 0; i < place.rows; i++) outer *= dims[i];
    for (size_t i = place.rows + 1; i < place.axis; i++) middle *= dims[i];
    for (size_t i = place.axis + 1; i < dims.size(); i++) bytes *= static_cast<size_t>(dims[i]);
  }
};

/// Calls `copy(padded, packed)` with the numbers of all blocks of one token, which is number `t` of `packedTokens` and is at
/// `place` of rows of `length`; `rows`: in the padded tensor, 1 where all share one.
template <typename Copy>
void ForBlocks(const Layout& layout, int64_t rows, int64_t length, int64_t row, int64_t n, int64_t t, int64_t packedTokens,
               const Copy& copy) {
  for (int64_t o = 0; o < layout.outer; o++) {
    for (int64_t m = 0; m < layout.middle; m++) {
      copy(((o * rows + row) * layout.middle + m) * length + n, (o * layout.middle + m) * packedTokens + t);
    }
  }
}

/// Tokens at once that one task moves.
constexpr int64_t kChunk = 256;

size_t Chunks(int64_t tokens) { return static_cast<size_t>((tokens + kChunk - 1) / kChunk); }

template <typename Move>
void ForChunks(const Context& context, int64_t tokens, const Move& move) {
  context.Parallel(Chunks(tokens), [&](size_t chunk) {
    const int64_t from = static_cast<int64_t>(chunk) * kChunk;
    const int64_t to = from + kChunk < tokens ? from + kChunk : tokens;
    for (int64_t t = from; t < to; t++) move(t);
  });
}

class Pack : public Operator {
 public:
  explicit Pack(const Attributes& attributes) : place_(attributes) {}

  void Compute(const Context& context) const override {
    const Input x = context.Read(0, "x"), places = context.Read(1, "places", 1);
    const int64_t tokens = places.shape.dims[0];
    const int64_t* at = places.As<int64_t>();
    const Layout layout(x.shape, place_);
    const int64_t length = layout.tokens;
    std::vector<int64_t> dims = x.shape.dims;
    const int64_t rows = place_.IsFlat() ? 1 : dims[place_.rows] / place_.folded;
    const bool isShared = !place_.IsFlat() && rows == 1;  // the same for every row of the batch
    CheckPlaces(at, tokens, isShared ? std::numeric_limits<int64_t>::max() : rows * length);
    if (length == 0 && tokens > 0) throw std::runtime_error("x has no tokens to take");
    if (!place_.IsFlat()) dims[place_.rows] = place_.folded;
    dims[place_.axis] = tokens;
    auto* to = static_cast<char*>(context.Write(0, dims));
    const auto* from = x.As<char>();
    const size_t bytes = layout.bytes;
    if (bytes == 0) return;
    ForChunks(context, tokens, [&](int64_t t) {
      const int64_t row = isShared || place_.IsFlat() ? 0 : at[t] / length;
      const int64_t n = place_.IsFlat() ? at[t] : at[t] % length;
      ForBlocks(layout, rows, length, row, n, t, tokens, [&](int64_t padded, int64_t packed) {
        std::memcpy(to + packed * static_cast<int64_t>(bytes), from + padded * static_cast<int64_t>(bytes), bytes);
      });
    });
  }

 private:
  const Place place_;
};

class Unpack : public Operator {
 public:
  explicit Unpack(const Attributes& attributes) : place_(attributes) {}

  void Compute(const Context& context) const override {
    const Input x = context.Read(0, "x"), places = context.Read(1, "places", 1), real = context.Read(2, "real", 2);
    const int64_t tokens = places.shape.dims[0];
    const int64_t* at = places.As<int64_t>();
    const int64_t rows = real.shape.dims[0];
    const Layout layout(x.shape, place_);
    std::vector<int64_t> dims = x.shape.dims;
    if (layout.tokens != tokens || (!place_.IsFlat() && dims[place_.rows] != place_.folded)) {
      throw std::runtime_error("x does not hold " + std::to_string(tokens) + " packed tokens along axis " +
                               std::to_string(place_.axis));
    }
    CheckPlaces(at, tokens, rows * real.shape.dims[1]);
    // Where rows and tokens share an axis, it is one long row.
    const int64_t apart = place_.IsFlat() ? 1 : rows;
    const int64_t length = real.shape.dims[1] * (place_.IsFlat() ? rows : 1);
    if (!place_.IsFlat()) dims[place_.rows] = rows * place_.folded;
    dims[place_.axis] = length;
    auto* to = static_cast<char*>(context.Write(0, dims));
    const auto* from = x.As<char>();
    const size_t bytes = layout.bytes;
    const auto size = static_cast<size_t>(layout.outer * apart * layout.middle * length) * bytes;
    if (size == 0) return;
    std::memset(to, 0, size);
    ForChunks(context, tokens, [&](int64_t t) {
      ForBlocks(layout, apart, length, at[t] / length, at[t] % length, t, tokens, [&](int64_t padded, int64_t packed) {
        std::memcpy(to + padded * static_cast<int64_t>(bytes), from + packed * static_cast<int64_t>(bytes), bytes);
      });
    });
  }

 private:
  const Place place_;
};

}  // namespace

std::unique_ptr<Operator> MakeRows(const Attributes&) { return std::make_unique<Rows>(); }
std::unique_ptr<Operator> MakePack(const Attributes& attributes) { return std::make_unique<Pack>(attributes); }
std::unique_ptr<Operator> MakeUnpack(const Attributes& attributes) { return std::make_unique<Unpack>(attributes); }

}  // namespace tp
