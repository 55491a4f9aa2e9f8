#include "jobs.h"

#include <atomic>

#include "ending.h"
#include "operators.h"
#include "tensors.h"
#include "weight_files.h"

namespace tp {
namespace {

/// Made once and never given back: at the end of the process outputs may still need it.
OrtEnv* Environment() {
  static OrtEnv* const environment = [] {
    OrtEnv* made = nullptr;
    constexpr int fatalOnly = 4;
    Call<at::CreateEnv>(fatalOnly, "tp", &made);
    StopWithProcess();
    return made;
  }();
  return environment;
}

/// A job that ends with a call of `done(error, result)`.
class Answering : public Job {
 public:
  explicit Answering(std::shared_ptr<Model> model) : model_(std::move(model)) {}

  /// From now on JavaScript's garbage collection keeps both, until `Done`. An environment that ends before gives back its
  /// references itself, so the destructor has nothing to do.
  void Keep(Napi::Env env, const Napi::Value& session, const Napi::Value& done) {
    napi_create_reference(env, session, 1, &session_);
    napi_create_reference(env, done, 1, &done_);
  }

  void Work() final {
    try {
      Compute();
    } catch (const std::exception& error) {
      failure_ = error.what();
      if (failure_.empty()) failure_ = "onnxruntime reports no reason";
    }
  }

  void Done(Napi::Env env) final {
    napi_value done = nullptr;
    napi_get_reference_value(env, done_, &done);
    napi_delete_reference(env, done_);
    napi_delete_reference(env, session_);
    try {
      Napi::Value result = env.Undefined();
      if (failure_.empty()) {
        try {
          result = Result(env);
        } catch (const Napi::Error&) {
          throw;
        } catch (const std::exception& error) {
          failure_ = error.what();
        }
      }
      Napi::Value error = failure_.empty() ? env.Null() : Napi::String::New(env, failure_).As<Napi::Value>();
      Napi::Function(env, done).Call({error, result});
    } catch (const Napi::Error&) {
      // `done` settles a promise and never throws: JavaScript was told to end (worker.terminate()), and nobody waits any more.
    }
  }

 protected:
  virtual void Compute() = 0;
  virtual Napi::Value Result(Napi::Env env) = 0;

  const std::shared_ptr<Model> model_;

 private:
  napi_ref session_ = nullptr, done_ = nullptr;
  std::string failure_;
};

Napi::Array ToJavaScript(Napi::Env env, const std::vector<Declared>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) {
    const Declared& value = values[i];
    Napi::Array dims = Napi::Array::New(env, value.sizes.size());
    for (size_t axis = 0; axis < value.sizes.size(); axis++) {
      const auto at = static_cast<uint32_t>(axis);
      if (value.sizes[axis] >= 0) dims.Set(at, Napi::Number::New(env, static_cast<double>(value.sizes[axis])));
      else dims.Set(at, Napi::String::New(env, value.names[axis]));
    }
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", value.name);
    object.Set("type", value.type);
    object.Set("dims", dims);
    array.Set(static_cast<uint32_t>(i), object);
  }
  return array;
}

class LoadJob : public Answering {
 public:
  /// @param source path or bytes. Bytes are copied: JavaScript may move an array's memory to another thread, which may free it.
  LoadJob(std::shared_ptr<Model> model, const Napi::Value& source, const Napi::Object& options) : Answering(std::move(model)) {
    if (source.IsString()) {
      path_ = source.ToString().Utf8Value();
    } else {
      Napi::Uint8Array bytes = source.As<Napi::Uint8Array>();
      bytes_.assign(bytes.Data(), bytes.Data() + bytes.ByteLength());
    }
    if (options.Has("threads")) threads_ = options.Get("threads").ToNumber().Int32Value();
    const Napi::Array files = options.Get("dataFiles").As<Napi::Array>();
    for (uint32_t i = 0; i < files.Length(); i++) {
      const Napi::Object file = files.Get(i).As<Napi::Object>();
      dataFiles_.push_back({file.Get("location").ToString().Utf8Value(), file.Get("path").ToString().Utf8Value()});
    }
  }

 protected:
  void Compute() override {
    const auto* in = static_cast<const OrtEnv*>(Environment());
    SessionOptions options;
    Call<at::CreateSessionOptions>(options.out());
    OrtSessionOptions* set = options.get();
    constexpr int sequential = 0;
    Call<at::SetSessionExecutionMode>(set, sequential);
    Call<at::SetInterOpNumThreads>(set, 1);
    // A pattern is one more block of memory for each shape of inputs, as large as a whole run, and gains no time.
    Call<at::DisableMemPattern>(set);
    constexpr int fatalOnly = 4;
    Call<at::SetSessionLogSeverityLevel>(set, fatalOnly);
    if (threads_ > 0) Call<at::SetIntraOpNumThreads>(set, threads_);
    AddOperators(Library(), set);
    // onnxruntime copies the weights while it loads.
    const WeightFiles weights(dataFiles_);
    weights.AddTo(set);
    const auto* with = static_cast<const OrtSessionOptions*>(set);
    if (!path_.empty()) {
      Call<at::CreateSession>(in, path_.c_str(), with, model_->session.out());
    } else {
      const void* bytes = bytes_.data();
      Call<at::CreateSessionFromArray>(in, bytes, bytes_.size(), with, model_->session.out());
      bytes_ = {};
    }
    model_->Describe();
    // Again, for what onnxruntime has made static while it loaded.
    static std::atomic_flag hasLoaded = ATOMIC_FLAG_INIT;
    if (!hasLoaded.test_and_set()) StopWithProcess();
  }

  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("inputs", ToJavaScript(env, model_->inputs));
    result.Set("outputs", ToJavaScript(env, model_->outputs));
    return result;
  }

 private:
  std::string path_;
  std::vector<uint8_t> bytes_;
  std::vector<DataFile> dataFiles_;
  int threads_ = 0;
};

class RunJob : public Answering {
 public:
  RunJob(std::shared_ptr<Model> model, uint32_t number, const Napi::Object& feeds)
      : Answering(std::move(model)), number_(number) {
    for (const Declared& input : model_->inputs) {
      if (!feeds.HasOwnProperty(input.name)) continue;
      inputNames_.push_back(input.name.c_str());
      inputs_.push_back(ToOrt(feeds.Get(input.name).As<Napi::Object>()));
    }
    Call<at::CreateRunOptions>(options_.out());
    model_->Begin(number_, options_.get());
  }
  ~RunJob() override { model_->End(number_); }

 protected:
  void Compute() override {
    std::vector<const OrtValue*> inputs;
    for (const Value& input : inputs_) inputs.push_back(input.get());
    std::vector<const char*> outputNames;
    for (const Declared& output : model_->outputs) outputNames.push_back(output.name.c_str());
    std::vector<OrtValue*> outputs(outputNames.size(), nullptr);
    OrtStatus* status = Library().Call<at::Run>(
        model_->session.get(), static_cast<const OrtRunOptions*>(options_.get()),
        static_cast<const char* const*>(inputNames_.data()), static_cast<const OrtValue* const*>(inputs.data()), inputs.size(),
        static_cast<const char* const*>(outputNames.data()), outputNames.size(), outputs.data());
    for (OrtValue* output : outputs) outputs_.emplace_back(output);
    inputs_.clear();
    Library().Check(status);
  }

  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    for (size_t i = 0; i < outputs_.size(); i++) {
      const std::string& name = model_->outputs[i].name;
      if (outputs_[i].get() == nullptr) throw std::runtime_error("the model returns no \"" + name + "\"");
      // Defined, not set: to set "__proto__" would change what the result inherits from.
      const auto attributes = static_cast<napi_property_attributes>(napi_enumerable | napi_writable | napi_configurable);
      result.DefineProperty(
          Napi::PropertyDescriptor::Value(Napi::String::New(env, name), ToJavaScript(env, std::move(outputs_[i])), attributes));
    }
    return result;
  }

 private:
  const uint32_t number_;
  RunOptions options_;
  std::vector<const char*> inputNames_;  // the model's
  std::vector<Value> inputs_, outputs_;
};

void CheckLoaded(const Model& model) {
  if (model.session.get() == nullptr) throw std::runtime_error("the session has no model");
}

}  // namespace

std::unique_ptr<Job> MakeLoad(std::shared_ptr<Model> model, const Napi::CallbackInfo& info) {
  auto job = std::make_unique<LoadJob>(std::move(model), info[0], info[1].As<Napi::Object>());
  job->Keep(info.Env(), info.This(), info[2]);
  return job;
}

std::unique_ptr<Job> MakeRun(std::shared_ptr<Model> model, const Napi::CallbackInfo& info) {
  CheckLoaded(*model);
  auto job = std::make_unique<RunJob>(std::move(model), info[0].ToNumber().Uint32Value(), info[1].As<Napi::Object>());
  job->Keep(info.Env(), info.This(), info[2]);
  return job;
}

}  // namespace tp
