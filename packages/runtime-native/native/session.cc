#include "session.h"

#include "ending.h"
#include "jobs.h"
#include "memory.h"

namespace tp {

Napi::Function NativeSession::Define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {InstanceMethod<&NativeSession::Load>("load"), InstanceMethod<&NativeSession::Run>("run"),
                      InstanceMethod<&NativeSession::Abort>("abort"),
                      InstanceMethod<&NativeSession::Close>("close")});
}

NativeSession::NativeSession(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<NativeSession>(info),
      model_(std::make_shared<Model>()),
      crew_(std::make_shared<Crew>(info.Env(), info[0].ToNumber().Uint32Value())) {
  Remember(info.Env(), crew_, model_);
}

// JavaScript has lost the session. No job is under way, because each keeps it.
NativeSession::~NativeSession() {
  if (crew_ == nullptr) return;
  crew_->Stop();
  Forget(crew_.get());
}

void NativeSession::Submit(std::unique_ptr<Job> job) {
  if (!crew_->Submit(std::move(job))) throw std::runtime_error("the session is closed");
}

void NativeSession::Load(const Napi::CallbackInfo& info) { Submit(MakeLoad(model_, info)); }
void NativeSession::Run(const Napi::CallbackInfo& info) { Submit(MakeRun(model_, info)); }
void NativeSession::Abort(const Napi::CallbackInfo& info) { model_->Terminate(info[0].ToNumber().Uint32Value()); }

void NativeSession::Close(const Napi::CallbackInfo&) {
  crew_->Stop();
  model_->session = Session();
  ReturnFreedMemory();
}

}  // namespace tp
