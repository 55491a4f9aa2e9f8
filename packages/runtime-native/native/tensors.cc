#include "tensors.h"

#include <cstring>

#include "checks.h"

namespace tp {
namespace {

struct Named {
  Type type;
  const char* name;
  napi_typedarray_type array;
};

// Half-precision numbers are held as their bits.
constexpr Named kTypes[] = {
    {Type::kFloat32, "float32", napi_float32_array}, {Type::kFloat64, "float64", napi_float64_array},
    {Type::kFloat16, "float16", napi_uint16_array},  {Type::kInt8, "int8", napi_int8_array},
    {Type::kInt16, "int16", napi_int16_array},       {Type::kInt32, "int32", napi_int32_array},
    {Type::kInt64, "int64", napi_bigint64_array},    {Type::kUint8, "uint8", napi_uint8_array},
    {Type::kUint16, "uint16", napi_uint16_array},    {Type::kUint32, "uint32", napi_uint32_array},
    {Type::kUint64, "uint64", napi_biguint64_array}, {Type::kBool, "bool", napi_uint8_array},
};

const Named* Find(Type type) {
  for (const Named& named : kTypes) {
    if (named.type == type) return &named;
  }
  return nullptr;
}

const Named* Find(const std::string& name) {
  for (const Named& named : kTypes) {
    if (name == named.name) return &named;
  }
  return nullptr;
}

std::vector<int64_t> Dims(const Napi::Array& array) {
  std::vector<int64_t> dims(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) dims[i] = array.Get(i).ToNumber().Int64Value();
  return dims;
}

Value Allocate(Type type, const std::vector<int64_t>& dims) {
  OrtAllocator* allocator = nullptr;
  Call<at::GetAllocatorWithDefaultOptions>(&allocator);
  Value value;
  Call<at::CreateTensorAsOrtValue>(allocator, dims.data(), dims.size(), type, value.out());
  return value;
}

Value Strings(const Napi::Array& data, const std::vector<int64_t>& dims) {
  if (static_cast<int64_t>(data.Length()) != CheckSizes(dims, "a tensor of string")) {
    throw std::runtime_error("a tensor of string does not have an array of its size");
  }
  Value value = Allocate(Type::kString, dims);
  std::vector<std::string> texts(data.Length());
  std::vector<const char*> pointers(data.Length());
  for (uint32_t i = 0; i < data.Length(); i++) {
    texts[i] = data.Get(i).ToString().Utf8Value();
    if (texts[i].find('\0') != std::string::npos) throw std::runtime_error("a string holds U+0000, which would end it");
    pointers[i] = texts[i].c_str();
  }
  Call<at::FillStringTensor>(value.get(), static_cast<const char* const*>(pointers.data()), pointers.size());
  return value;
}

Napi::Array StringsOf(Napi::Env env, const OrtValue* value, size_t count) {
  size_t bytes = 0;
  Call<at::GetStringTensorDataLength>(value, &bytes);
  std::vector<char> text(bytes);
  std::vector<size_t> begins(count);
  Call<at::GetStringTensorContent>(value, static_cast<void*>(text.data()), bytes, begins.data(), count);
  Napi::Array strings = Napi::Array::New(env, count);
  for (size_t i = 0; i < count; i++) {
    const size_t end = i + 1 < count ? begins[i + 1] : bytes;
    strings.Set(static_cast<uint32_t>(i), Napi::String::New(env, text.data() + begins[i], end - begins[i]));
  }
  return strings;
}

/// Outputs of fewer bytes are copied. JavaScript collects what is so small late, and until then it would keep the whole arena of its
/// session, which is megabytes, also after the session is closed.
constexpr size_t kSmallestForeign = 1 << 16;

/// The memory of a value as an ArrayBuffer; a copy of what is small, or where the engine takes no foreign memory.
Napi::ArrayBuffer BufferOf(Napi::Env env, Value value, size_t bytes) {
  if (bytes == 0) return Napi::ArrayBuffer::New(env, 0);
  void* data = nullptr;
  Call<at::GetTensorMutableData>(value.get(), &data);
  napi_value buffer;
  const napi_finalize release = [](napi_env, void*, void* hint) { Library().Release<at::ReleaseValue>(static_cast<OrtValue*>(hint)); };
  if (bytes >= kSmallestForeign &&
      napi_create_external_arraybuffer(env, data, bytes, release, value.get(), &buffer) == napi_ok) {
    value.release();
    return Napi::ArrayBuffer(env, buffer);
  }
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, bytes);
  std::memcpy(copy.Data(), data, bytes);
  return copy;
}

}  // namespace

const char* NameOf(Type type) {
  if (type == Type::kString) return "string";
  const Named* named = Find(type);
  return named == nullptr ? "" : named->name;
}

Value ToOrt(const Napi::Object& tensor) {
  const std::string type = tensor.Get("type").ToString();
  const std::vector<int64_t> dims = Dims(tensor.Get("dims").As<Napi::Array>());
  if (type == "string") return Strings(tensor.Get("data").As<Napi::Array>(), dims);
  const Named* named = Find(type);
  if (named == nullptr) throw std::runtime_error("the native runtime has no tensors of " + type);
  napi_typedarray_type kind;
  size_t length = 0, offset = 0;
  void* data = nullptr;
  napi_value buffer;
  const napi_status status =
      napi_get_typedarray_info(tensor.Env(), tensor.Get("data"), &kind, &length, &data, &buffer, &offset);
  if (status != napi_ok || static_cast<int64_t>(length) != CheckSizes(dims, "a tensor of " + type)) {
    throw std::runtime_error("a tensor of " + type + " does not have an array of its size");
  }
  Value value = Allocate(named->type, dims);
  void* copy = nullptr;
  Call<at::GetTensorMutableData>(value.get(), &copy);
  if (length > 0) std::memcpy(copy, data, length * SizeOf(named->type));
  return value;
}

Napi::Object ToJavaScript(Napi::Env env, Value value) {
  const Shape shape = Library().ShapeOf(value.get());
  Napi::Array dims = Napi::Array::New(env, shape.dims.size());
  for (size_t i = 0; i < shape.dims.size(); i++) {
    dims.Set(static_cast<uint32_t>(i), Napi::Number::New(env, static_cast<double>(shape.dims[i])));
  }
  const auto count = static_cast<size_t>(CheckSizes(shape.dims, "an output"));
  Napi::Object tensor = Napi::Object::New(env);
  tensor.Set("type", NameOf(shape.type));
  tensor.Set("dims", dims);
  if (shape.type == Type::kString) {
    tensor.Set("data", StringsOf(env, value.get(), count));
    return tensor;
  }
  const Named* named = Find(shape.type);
  if (named == nullptr) throw std::runtime_error("an output has a type that JavaScript has no array for");
  Napi::ArrayBuffer buffer = BufferOf(env, std::move(value), count * SizeOf(shape.type));
  napi_value array;
  if (napi_create_typedarray(env, named->array, count, buffer, 0, &array) != napi_ok) {
    throw std::runtime_error("an output cannot be passed to JavaScript");
  }
  tensor.Set("data", Napi::Value(env, array));
  return tensor;
}

}  // namespace tp
