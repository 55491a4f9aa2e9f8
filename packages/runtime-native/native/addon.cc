// What JavaScript sees:
//
//   open(library, instructions)   path of onnxruntime's library; "avx512", "avx2", "baseline", or "" for the best that the processor has
//                                 → { version, instructions, compiler }
//   stop()                        ends all threads of this environment's sessions
//   Session                       see session.h
#include <napi.h>

#include "attention.h"
#include "ending.h"
#include "library.h"
#include "session.h"

namespace {

Napi::Value Open(const Napi::CallbackInfo& info) {
  tp::ChooseInstructions(info[1].ToString().Utf8Value());
  tp::OpenLibrary(info[0].ToString().Utf8Value());
  Napi::Object about = Napi::Object::New(info.Env());
  about.Set("version", tp::LibraryVersion());
  about.Set("instructions", tp::ChosenInstructions());
  about.Set("compiler", tp::Compiler());
  return about;
}

void Stop(const Napi::CallbackInfo& info) { tp::StopAll(info.Env()); }

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  tp::StopWithEnvironment(env);
  exports.Set("open", Napi::Function::New(env, Open, "open"));
  exports.Set("stop", Napi::Function::New(env, Stop, "stop"));
  exports.Set("Session", tp::NativeSession::Define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(tp_native, Initialize)
