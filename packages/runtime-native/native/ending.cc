#include "ending.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

namespace tp {
namespace {

struct Member {
  napi_env env;
  std::shared_ptr<Crew> crew;
  std::shared_ptr<Model> model;
};

std::mutex mutex;

/// Never destroyed: it is needed while static variables are.
std::map<const Crew*, Member>& Members() {
  static auto* const members = new std::map<const Crew*, Member>();
  return *members;
}

/// Takes out the members that fit, and ends their threads; the lock is not held while that takes its time.
template <typename Fits>
void StopThose(const Fits& fits) {
  std::vector<Member> ending;
  {
    std::lock_guard<std::mutex> lock(mutex);
    for (auto& [key, member] : Members()) {
      if (fits(member)) ending.push_back(member);
    }
    for (const Member& member : ending) Members().erase(member.crew.get());
  }
  for (const Member& member : ending) member.model->TerminateAll();
  for (const Member& member : ending) member.crew->Stop();
}

}  // namespace

void Remember(napi_env env, std::shared_ptr<Crew> crew, std::shared_ptr<Model> model) {
  std::lock_guard<std::mutex> lock(mutex);
  const Crew* key = crew.get();
  Members()[key] = {env, std::move(crew), std::move(model)};
}

void Forget(const Crew* crew) {
  std::lock_guard<std::mutex> lock(mutex);
  Members().erase(crew);
}

void StopAll(napi_env env) {
  StopThose([env](const Member& member) { return member.env == env; });
}

void StopWithEnvironment(Napi::Env env) {
  napi_add_env_cleanup_hook(env, [](void* ending) { StopAll(static_cast<napi_env>(ending)); }, static_cast<napi_env>(env));
}

void StopWithProcess() {
  std::atexit([] { StopThose([](const Member&) { return true; }); });
}

}  // namespace tp
