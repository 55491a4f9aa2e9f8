#include "crew.h"

#include <stdexcept>
#include <string>

namespace tp {
namespace {

/// A job on its way back.
struct Finished {
  std::unique_ptr<Job> job;
  std::shared_ptr<size_t> open;
  napi_threadsafe_function back;
};

}  // namespace

Crew::Crew(Napi::Env env, size_t threads) : env_(env) {
  // One share for each thread, and one for the crew.
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "tp"), 0, threads + 1,
                                                             nullptr, nullptr, nullptr, CallBack, &back_);
  if (status != napi_ok) throw std::runtime_error("the native runtime cannot reach its JavaScript thread");
  napi_unref_threadsafe_function(env, back_);
  try {
    threads_.reserve(threads);
    while (threads_.size() < threads) threads_.emplace_back([this] { Loop(); });
  } catch (const std::exception&) {
    for (size_t missing = threads_.size(); missing < threads; missing++) {
      napi_release_threadsafe_function(back_, napi_tsfn_release);
    }
    Stop();
    throw std::runtime_error("there can be no " + std::to_string(threads) + " threads more; ask for fewer runs at once");
  }
}

Crew::~Crew() { Stop(); }

bool Crew::Submit(std::unique_ptr<Job> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stops_) return false;
    waiting_.push_back(std::move(job));
  }
  if ((*open_)++ == 0) napi_ref_threadsafe_function(env_, back_);
  changed_.notify_one();
  return true;
}

void Crew::Stop() {
  std::lock_guard<std::mutex> stopping(stopping_);
  std::deque<std::unique_ptr<Job>> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stops_) return;
    stops_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  napi_release_threadsafe_function(back_, napi_tsfn_release);
}

void Crew::Loop() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return stops_ || !waiting_.empty(); });
      if (stops_) break;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    job->Work();
    auto* finished = new Finished{std::move(job), open_, back_};
    const napi_status status = napi_call_threadsafe_function(back_, finished, napi_tsfn_nonblocking);
    if (status == napi_ok) continue;
    delete finished;
    // The environment is ending, and the refusal has taken this thread's share.
    if (status == napi_closing) return;
  }
  napi_release_threadsafe_function(back_, napi_tsfn_release);
}

void Crew::CallBack(napi_env env, napi_value, void*, void* data) {
  std::unique_ptr<Finished> finished(static_cast<Finished*>(data));
  // Without an environment: it is being torn down.
  if (env == nullptr) return;
  if (--*finished->open == 0) napi_unref_threadsafe_function(env, finished->back);
  Napi::Env environment(env);
  Napi::HandleScope scope(environment);
  finished->job->Done(environment);
}

}  // namespace tp
