// Threads that work for one session, and bring what they have done back to the JavaScript thread that owns it.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tp {

/// One piece of work. `Work` runs on a thread of the crew, then `Done` on the JavaScript thread; `Done` is left out where that
/// thread's environment has ended meanwhile. Neither throws. A job may end on any thread: destructors do not touch JavaScript.
class Job {
 public:
  virtual ~Job() = default;
  virtual void Work() = 0;
  virtual void Done(Napi::Env env) = 0;
};

/// How threads reach JavaScript is a "thread-safe function" of Node-API. Its rule: whoever calls it holds a share; Node frees it
/// when all shares have been given back, or with the environment, whatever shares there are. So the threads have to have ended
/// before the environment has: `ending.h` sees to that.
class Crew {
 public:
  /// @throws std::exception if the threads cannot be had
  Crew(Napi::Env env, size_t threads);
  ~Crew();

  /// On the JavaScript thread. While something is to be done, the process stays alive. @returns false after `Stop`
  bool Submit(std::unique_ptr<Job> job);
  /// Drops what waits, lets what is under way end, and ends the threads. On any thread but theirs; when it returns, they have
  /// ended, also where another thread asked first.
  void Stop();

 private:
  void Loop();
  static void CallBack(napi_env env, napi_value, void* context, void* data);

  const napi_env env_;
  napi_threadsafe_function back_ = nullptr;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> waiting_;
  bool stops_ = false;
  std::mutex stopping_;
  /// Jobs that have not come back. JavaScript thread only; shared with jobs that may come back after the crew's end.
  std::shared_ptr<size_t> open_ = std::make_shared<size_t>(0);
};

}  // namespace tp
