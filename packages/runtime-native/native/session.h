// The JavaScript class of a loaded model with the threads that run it.
#pragma once

#include <napi.h>

#include <memory>

#include "crew.h"
#include "model.h"

namespace tp {

/// Every function that takes time takes a last argument `(error, result) => void`. What a function is given may be changed as soon
/// as it has returned.
///
///   new Session(atOnce)             threads that run
///   load(model, options, done)      path or bytes; options: { threads? } → { inputs, outputs }
///   run(number, feeds, done)        feeds by name → outputs by name
///   abort(number)
///   close()                         releases the model; running jobs have to end before
class NativeSession : public Napi::ObjectWrap<NativeSession> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit NativeSession(const Napi::CallbackInfo& info);
  ~NativeSession() override;

 private:
  void Load(const Napi::CallbackInfo& info);
  void Run(const Napi::CallbackInfo& info);
  void Abort(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);
  void Submit(std::unique_ptr<Job> job);

  const std::shared_ptr<Model> model_;
  const std::shared_ptr<Crew> crew_;
};

}  // namespace tp
