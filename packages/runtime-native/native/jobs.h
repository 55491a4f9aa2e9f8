// What a session's threads do: load and run.
#pragma once

#include <napi.h>

#include <memory>

#include "crew.h"
#include "model.h"

namespace tp {

/// Each ends with a call of `done(error, result)`, and keeps `session`, the JavaScript object, until then. All are made on the
/// JavaScript thread. @throws std::exception, Napi::Error if the arguments cannot be taken
std::unique_ptr<Job> MakeLoad(std::shared_ptr<Model> model, const Napi::CallbackInfo& info);
std::unique_ptr<Job> MakeRun(std::shared_ptr<Model> model, const Napi::CallbackInfo& info);

}  // namespace tp
