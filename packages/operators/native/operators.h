// The operators of the domain "tp", which packed files are made of. Tokens of all rows of a batch are stored one after another, without
// padding: T of them. `positions` int64 [T] says where each of them is in the padded batch, b·N + n; `offsets` int64 [B+1] where
// each row begins among the T.
//
//   Rows(attended bool [B,N]; padding) → positions, offsets. With `padding` 1 the first token of each row that is not attended is among
//       the T, so that what is computed of padding is known.
//   Pack(x [B·folded,…,N,…], positions; rows, axis, folded) → [folded,…,T,…]
//   Unpack(x [folded,…,T,…], positions, attended bool [B,N]; rows, axis, folded) → [B·folded,…,N,…]. Where a row has padding it is 0,
//       or what its token is that is among the T and not attended, if there is one.
//       `rows` and `axis` are where rows and tokens are; equal for x [B·N,…], which is folded once. Pack of x [1,…,N,…] takes it for
//       every row.
//   PackedAttention(query, key, value, offsets?, keyBias [1,T]?, bias [B|1,H|1,N,N]?, positions?, queryWeights [1,T]?; scale, integers?, …Axes)
//     → context, received [1,H,1,T]?
//       softmax(query·keyᵀ·scale + keyBias + bias)·value in every head, each row over its own tokens; received: what each token is
//       attended with in each head, summed over the queries times their weights. A query whose scores are all −∞ sees no key: its context is 0,
//       and it is no part of received. Each of query, key, value and context has the axes
//       of heads, tokens and features where its attribute says: queryAxes = [1, 2, 3] for [1,H,T,d]. Where the attribute `integers` is
//       there and not 0, products are those of integers (see integer_attention.inl).
//       Without offsets axis 0 counts examples, [B,H,N,d], whose queries may be fewer than their keys; of the optional inputs only
//       keyBias is allowed, [B|1,N].
//   RoundRows(x float [...,D]; steps, zero, least) → rounded uint8 [...,D], scale [...,1]
//       scale = max(max |x|, least) of each row, rounded = round(steps · x / scale) + zero, limited to 0 … 255.
//   ScaleRows(x float [...,D], scale [...,1], bias [D]?, gain [D]?, residual [...,D]?; gelu) → y [...,D]
//       x · scale + bias, GELU of it where the attribute is not 0, times gain, plus residual. Around a product of what RoundRows gives.
//   RescaleRows(x float [...,D], scale [...,1]?, bias [D]?, gain [D]?, residual [...,D]?, normGain [D]?, normBias [D]?; gelu, epsilon, steps,
//     zero, least) → rounded uint8 [...,D], roundedScale [...,1], scaled [...,D]?, normed [...,D]?
//       ScaleRows where there is a scale, then a layer norm where there is one, then RoundRows, without passes over all rows in between.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <string>

#include "checks.h"
#include "ort.h"

namespace tp {

/// Adds the domain "tp" to the options of a session.
void AddOperators(const Ort& ort, OrtSessionOptions* options);

/// One input or output of the operator that computes.
struct Input {
  const OrtValue* value;
  Shape shape;
  const void* data;

  template <typename T>
  const T* As() const {
    return static_cast<const T*>(data);
  }
};

class Operator;

/// What an operator gets when it computes. Functions throw std::runtime_error, whose sentence the run's error says.
class Context {
 public:
  Context(const Ort& ort, OrtKernelContext* context, const Operator& own) : ort_(ort), context_(context), own_(own) {}

  /// An input that has been checked: whatever is computed from its sizes alone fits into 64 bits.
  Input Read(size_t index, const Demand& demand) const;
  bool Has(size_t index) const;
  /// Whether the node has the output; nobody may read it.
  bool Gives(size_t index) const;
  /// The memory of an output, for CheckSizes(dims) elements of `type`; null for one that nobody reads or that the node does not have.
  void* Write(size_t index, const std::vector<int64_t>& dims, Type type) const;
  /// Calls `task(i)` for i from 0 to `count`, on the threads of the session. What a task throws ends with the call, since
  /// onnxruntime's threads end the process for it; of several the first is thrown on.
  template <typename Task>
  void Parallel(size_t count, const Task& task) const {
    Guarded<Task> guarded(task);
    if (count > 0) Parallel(count, &Guarded<Task>::Call, &guarded);
    if (guarded.thrown != nullptr) std::rethrow_exception(guarded.thrown);
  }

 private:
  template <typename Task>
  struct Guarded {
    explicit Guarded(const Task& own) : task(own) {}
    static void Call(void* data, size_t i) {
      auto* self = static_cast<Guarded*>(data);
      try {
        self->task(i);
      } catch (...) {
        if (!self->hasThrown.test_and_set()) self->thrown = std::current_exception();
      }
    }
    const Task& task;
    std::atomic_flag hasThrown = ATOMIC_FLAG_INIT;
    std::exception_ptr thrown;
  };

  void Parallel(size_t count, void (*call)(void*, size_t), void* data) const;
  const Ort& ort_;
  OrtKernelContext* context_;
  const Operator& own_;
};

/// Attributes of the node that an operator is made for.
class Attributes {
 public:
  Attributes(const Ort& ort, const OrtKernelInfo* info, std::string name) : ort_(ort), info_(info), name_(std::move(name)) {}
  /// Whether the operator's name says it: "gelu" of "ScaleRows_bias_gelu". Files of before such names have attributes instead.
  bool Named(const char* feature) const;
  /// Whether the operator is one of a family of which rows and tokens share the first axis.
  bool IsFlat() const;
  /// Of the node; "" where it has none.
  std::string NodeName() const;
  float Float(const char* name) const;
  /// `otherwise` where the node does not have it.
  float Float(const char* name, float otherwise) const;
  int64_t Int(const char* name) const;
  /// `otherwise` where the node does not have it.
  int64_t Int(const char* name, int64_t otherwise) const;
  std::vector<int64_t> Ints(const char* name) const;
  bool HasInts(const char* name) const;

 private:
  void Check(OrtStatus* status, const char* name) const;
  const Ort& ort_;
  const OrtKernelInfo* info_;
  const std::string name_;
};

/// One operator of one node.
class Operator {
 public:
  virtual ~Operator() = default;
  virtual void Compute(const Context& context) const = 0;

  /// Where the inputs and outputs of the family are among those of this operator, −1 for none.
  std::vector<int> inputs, outputs;
};

std::unique_ptr<Operator> MakeRows(const Attributes&);
std::unique_ptr<Operator> MakePack(const Attributes&);
std::unique_ptr<Operator> MakeUnpack(const Attributes&);
std::unique_ptr<Operator> MakePackedAttention(const Attributes&);
std::unique_ptr<Operator> MakeRoundRows(const Attributes&);
std::unique_ptr<Operator> MakeScaleRows(const Attributes&);
std::unique_ptr<Operator> MakeRescaleRows(const Attributes&);

}  // namespace tp
