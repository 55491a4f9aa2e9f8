// Rows, Pack and Unpack: where tokens are, and moving them. See operators.h.
#include <cstring>
#include <limits>

#include "operators.h"

namespace tp {
namespace {

class Rows : public Operator {
 public:
  explicit Rows(const Attributes& attributes) : keepsPadding_(attributes.Int("padding", attributes.Named("padding")) != 0) {}

  void Compute(const Context& context) const override {
    const Input attended = context.Read(0, {"attended", Type::kBool, 2});
    const int64_t rows = attended.shape.dims[0], length = attended.shape.dims[1];
    if (rows == 0) Refuse("the batch has no rows");
    // Bytes, since JavaScript may hand over others than 0 and 1.
    const auto* is = attended.As<uint8_t>();
    int64_t tokens = 0;
    // Before there is memory for the offsets: rows of no length take none themselves, however many they are.
    for (int64_t row = 0; row < rows; row++) {
      int64_t own = 0;
      for (int64_t n = 0; n < length; n++) own += is[row * length + n] != 0;
      if (own == 0) Refuse("row " + std::to_string(row) + " of the batch has no attended token; remove it");
      tokens += own + (keepsPadding_ && own < length ? 1 : 0);
    }
    auto* positions = static_cast<int64_t*>(context.Write(0, {tokens}, Type::kInt64));
    auto* offsets = static_cast<int64_t*>(context.Write(1, {rows + 1}, Type::kInt64));
    if (positions == nullptr || offsets == nullptr) Refuse("both outputs have to be there");
    int64_t token = 0;
    for (int64_t row = 0; row < rows; row++) {
      offsets[row] = token;
      bool isKept = keepsPadding_;
      for (int64_t n = 0; n < length; n++) {
        const bool isAttended = is[row * length + n] != 0;
        if (isAttended || isKept) positions[token++] = row * length + n;
        if (!isAttended) isKept = false;
      }
    }
    offsets[rows] = token;
  }

 private:
  const bool keepsPadding_;
};

/// Where rows and tokens are in a tensor: rows·folded along axis `rows` and tokens along `axis` after it, or both along one axis.
struct TokenAxes {
  size_t rows, axis;
  int64_t folded;

  explicit TokenAxes(const Attributes& attributes) : rows(0), axis(0), folded(1) {
    if (attributes.IsFlat()) return;
    const int64_t first = attributes.Int("rows"), second = attributes.Int("axis");
    folded = attributes.Int("folded");
    const std::string both = "rows is " + std::to_string(first) + " and axis is " + std::to_string(second);
    if (first < 0) Refuse(both + "; axes are counted from 0");
    if (second < first) Refuse(both + "; tokens have to be along the same axis as rows, or along a later one");
    if (folded < 1) Refuse("folded is " + std::to_string(folded) + "; it has to be at least 1");
    if (first == second && folded != 1) {
      Refuse(both + ", and folded is " + std::to_string(folded) + "; where rows and tokens share an axis it has to be 1");
    }
    rows = static_cast<size_t>(first);
    axis = static_cast<size_t>(second);
  }
  /// Rows and tokens share an axis.
  bool IsFlat() const { return rows == axis; }
  void CheckAxis(const Shape& shape) const {
    if (axis < shape.dims.size()) return;
    Refuse("there is no axis " + std::to_string(axis) + " for tokens: x has " + std::to_string(shape.dims.size()) + " axes");
  }
};

/// How the axes of a packed tensor that is not empty fall into blocks around those of rows and tokens.
struct Layout {
  int64_t outer = 1;   // before the rows
  int64_t middle = 1;  // between rows and tokens, what is folded into the rows included
  size_t bytes;        // after the tokens

  Layout(const std::vector<int64_t>& packed, Type type, const TokenAxes& axes) : bytes(SizeOf(type)) {
    for (size_t i = 0; i < axes.rows; i++) outer *= packed[i];
    for (size_t i = axes.rows; i < axes.axis; i++) middle *= packed[i];
    for (size_t i = axes.axis + 1; i < packed.size(); i++) bytes *= static_cast<size_t>(packed[i]);
  }
};

/// Calls `copy(padded, packed)` with the numbers of all blocks of one token, which is number `t` of `packedTokens` and is at
/// token `n` of row `row`. `rows`: in the padded tensor, 1 where all examples share one; `length`: tokens of a row.
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
  explicit Pack(const Attributes& attributes) : axes_(attributes) {}

  void Compute(const Context& context) const override {
    const Input x = context.Read(0, {"x"}), positions = context.Read(1, {"positions", Type::kInt64, 1});
    const int64_t tokens = positions.shape.dims[0];
    const int64_t* at = positions.As<int64_t>();
    axes_.CheckAxis(x.shape);
    std::vector<int64_t> dims = x.shape.dims;
    if (!axes_.IsFlat() && dims[axes_.rows] % axes_.folded != 0) {
      Refuse("axis " + std::to_string(axes_.rows) + " of x does not hold whole rows: " + std::to_string(dims[axes_.rows]) +
             " is no multiple of folded, " + std::to_string(axes_.folded));
    }
    const int64_t rows = axes_.IsFlat() ? 1 : dims[axes_.rows] / axes_.folded;
    const int64_t length = dims[axes_.axis];
    const bool isShared = !axes_.IsFlat() && rows == 1;  // the same for every row of the batch
    CheckPositions(at, tokens, isShared ? std::numeric_limits<int64_t>::max() : rows * length);
    if (length == 0 && tokens > 0) Refuse("x has no tokens to take");
    if (!axes_.IsFlat()) dims[axes_.rows] = axes_.folded;
    dims[axes_.axis] = tokens;
    auto* to = static_cast<char*>(context.Write(0, dims, x.shape.type));
    // Not only to save time: where one size is 0, the others may be anything.
    if (to == nullptr || CheckSizes(dims, "y") == 0) return;
    const Layout layout(dims, x.shape.type, axes_);
    const auto* from = x.As<char>();
    const size_t bytes = layout.bytes;
    ForChunks(context, tokens, [&](int64_t t) {
      const int64_t row = isShared || axes_.IsFlat() ? 0 : at[t] / length;
      const int64_t n = axes_.IsFlat() ? at[t] : at[t] % length;
      ForBlocks(layout, rows, length, row, n, t, tokens, [&](int64_t padded, int64_t packed) {
        std::memcpy(to + packed * static_cast<int64_t>(bytes), from + padded * static_cast<int64_t>(bytes), bytes);
      });
    });
  }

 private:
  const TokenAxes axes_;
};

class Unpack : public Operator {
 public:
  explicit Unpack(const Attributes& attributes) : axes_(attributes) {}

  void Compute(const Context& context) const override {
    const Input x = context.Read(0, {"x"}), positions = context.Read(1, {"positions", Type::kInt64, 1});
    const Input attended = context.Read(2, {"attended", Type::kBool, 2});
    const int64_t tokens = positions.shape.dims[0];
    const int64_t* at = positions.As<int64_t>();
    const int64_t rows = attended.shape.dims[0];
    axes_.CheckAxis(x.shape);
    std::vector<int64_t> dims = x.shape.dims;
    if (dims[axes_.axis] != tokens) {
      Refuse("x does not hold " + std::to_string(tokens) + " packed tokens along axis " + std::to_string(axes_.axis) +
             ", but " + std::to_string(dims[axes_.axis]));
    }
    if (!axes_.IsFlat() && dims[axes_.rows] != axes_.folded) {
      Refuse("x does not hold one row, folded " + std::to_string(axes_.folded) + " times, along axis " +
             std::to_string(axes_.rows) + ", but " + std::to_string(dims[axes_.rows]));
    }
    CheckPositions(at, tokens, rows * attended.shape.dims[1]);
    // Where rows and tokens share an axis, it is one long row.
    const int64_t apart = axes_.IsFlat() ? 1 : rows;
    const int64_t length = attended.shape.dims[1] * (axes_.IsFlat() ? rows : 1);
    const Layout layout(dims, x.shape.type, axes_);
    if (!axes_.IsFlat()) dims[axes_.rows] = Product(rows, axes_.folded, "axis of rows");
    dims[axes_.axis] = length;
    const int64_t elements = CheckSizes(dims, "y");
    // Otherwise sizes that take no memory in x would take some in y.
    if (tokens == 0 && elements > 0) Refuse("positions name no token, and attended has " + std::to_string(rows) + " rows");
    auto* to = static_cast<char*>(context.Write(0, dims, x.shape.type));
    if (to == nullptr || elements == 0) return;
    const auto* from = x.As<char>();
    const size_t bytes = layout.bytes;
    std::memset(to, 0, static_cast<size_t>(elements) * SizeOf(x.shape.type));
    const auto place = [&](int64_t t, int64_t position) {
      ForBlocks(layout, apart, length, position / length, position % length, t, tokens, [&](int64_t padded, int64_t packed) {
        std::memcpy(to + padded * static_cast<int64_t>(bytes), from + packed * static_cast<int64_t>(bytes), bytes);
      });
    };
    ForChunks(context, tokens, [&](int64_t t) { place(t, at[t]); });
    RepeatPadding(context, attended, at, tokens, place);
  }

 private:
  /// Calls `place(t, position)` for all padding of a row that has a packed token t for it.
  template <typename Place>
  static void RepeatPadding(const Context& context, const Input& attended, const int64_t* at, int64_t tokens, const Place& place) {
    const int64_t rows = attended.shape.dims[0], length = attended.shape.dims[1];
    const auto* is = attended.As<uint8_t>();
    std::vector<int64_t> padding(static_cast<size_t>(rows), -1);
    for (int64_t t = 0; t < tokens; t++) {
      if (is[at[t]] == 0) padding[static_cast<size_t>(at[t] / length)] = t;
    }
    context.Parallel(padding.size(), [&](size_t row) {
      const int64_t t = padding[row];
      if (t < 0) return;
      const int64_t begin = static_cast<int64_t>(row) * length;
      for (int64_t position = begin; position < begin + length; position++) {
        if (is[position] == 0 && position != at[t]) place(t, position);
      }
    });
  }

  const TokenAxes axes_;
};

}  // namespace

std::unique_ptr<Operator> MakeRows(const Attributes& attributes) { return std::make_unique<Rows>(attributes); }
std::unique_ptr<Operator> MakePack(const Attributes& attributes) { return std::make_unique<Pack>(attributes); }
std::unique_ptr<Operator> MakeUnpack(const Attributes& attributes) { return std::make_unique<Unpack>(attributes); }

}  // namespace tp
