// Ends threads before what they work with ends. Three things can end: a session, the environment of a worker or of the main
// thread, and the process. Node tells an addon of the first two (a finalizer, a cleanup hook), but not of the last: process.exit()
// and an uncaught error leave JavaScript as it is and call the C library's exit(), which destroys what onnxruntime holds in
// static variables. A thread that computes then would read what is no longer there. JavaScript's event "exit" comes before that
// (see addon.ts); where it is passed over (process.reallyExit), what StopWithProcess sets up is the last chance.
#pragma once

#include <napi.h>

#include <memory>

#include "crew.h"
#include "model.h"

namespace tp {

/// From now on until `Forget` the crew is stopped, and its runs are ended early, when the environment or the process ends.
void Remember(napi_env env, std::shared_ptr<Crew> crew, std::shared_ptr<Model> model);
void Forget(const Crew* crew);

/// Stops all crews of an environment.
void StopAll(napi_env env);
/// Once for each environment, when it begins.
void StopWithEnvironment(Napi::Env env);
/// Stops all remaining jobs when the process ends, before the static variables that exist at the time of this call are destroyed.
void StopWithProcess();

}  // namespace tp
