// Tensors of JavaScript and of onnxruntime. Inputs are copied, which takes a thousandth of the time that a model does: JavaScript may
// change an array while a run goes on, or move its memory to another thread, which may free it. Outputs are not.
#pragma once

#include <napi.h>

#include "library.h"

namespace tp {

/// `float32` … or "" for types that JavaScript has no arrays for here.
const char* NameOf(Type type);

/// A copy of `{ type, dims, data }`. @throws std::runtime_error
Value ToOrt(const Napi::Object& tensor);

/// A tensor on the value's own memory, which is given back when JavaScript no longer needs it.
Napi::Object ToJavaScript(Napi::Env env, Value value);

}  // namespace tp
