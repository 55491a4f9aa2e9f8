// Fuzzes one operator: constructs nodes and inputs, computes, and ends with a report where a sanitizer finds something, a case
// takes longer than seconds, a refusal has no sentence, or a result is wrong.
//
//   fuzz OPERATOR CASES SEED     from a random generator; prints { operator, cases, computed, refusedNodes, refusedInputs, seconds }
//   TP_FUZZ_OPERATOR=OPERATOR    as libFuzzer's target, where it is built with TP_LIBFUZZER
#include <sanitizer/common_interface_defs.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "../native/attention.h"
#include "cases.h"
#include "expected.h"

namespace {

using tp::Outcome;

/// Of the processor: others may keep it busy.
constexpr int kMostSeconds = 10;

std::string running;

void Limit(int seconds) {
  itimerval limit{};
  limit.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &limit, nullptr);
}

void SayWhich() {
  const std::string line = "while " + running + "\n";
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

[[noreturn]] void Wrong(const std::string& sentence) {
  std::fprintf(stderr, "wrong: %s\n", sentence.c_str());
  std::abort();
}

enum class End { kComputed, kRefusedNode, kRefusedInputs };

void CheckSentence(const Outcome& outcome) {
  if (outcome.sentence.size() < 10 || outcome.sentence == "std::bad_alloc") Wrong("a refusal says \"" + outcome.sentence + "\"");
}

End Run(const std::string& op, tp::Choices& choices) {
  static const std::vector<std::string> instructions = [] {
    std::vector<std::string> those;
    for (const char* name : {"avx512", "avx2", "baseline"}) {
      try {
        tp::ChooseInstructions(name);
        those.push_back(name);
      } catch (const std::exception&) {
      }
    }
    return those;
  }();
  tp::ChooseInstructions(choices.Of(instructions));
  tp::Case one = tp::MakeCase(op, choices);
  const tp::OrtCustomOp& definition = tp::FindOperator(op);
  void* kernel = nullptr;
  const Outcome created = tp::TakeOutcome(definition.CreateKernelV2(&definition, nullptr, &one.info, &kernel));
  if (created.failed) {
    if (one.isSound) Wrong("a sound node is refused: " + created.sentence);
    CheckSentence(created);
    if (kernel != nullptr) Wrong("a refused node leaves a kernel");
    return End::kRefusedNode;
  }
  const Outcome computed = tp::TakeOutcome(definition.KernelComputeV2(kernel, &one.context));
  definition.KernelDestroy(kernel);
  if (computed.failed) {
    if (one.isSound) Wrong("sound inputs are refused: " + computed.sentence);
    CheckSentence(computed);
    return End::kRefusedInputs;
  }
  try {
    tp::Compare(op, one);
  } catch (const std::exception& error) {
    Wrong(error.what());
  }
  return End::kComputed;
}

}  // namespace

#ifdef TP_LIBFUZZER

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const char* const op = std::getenv("TP_FUZZ_OPERATOR");
  tp::Choices choices(data, size);
  Run(op == nullptr ? "Pack" : op, choices);
  return 0;
}

#else

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const std::string op = arguments[1];
  const int cases = std::atoi(arguments[2]);
  const unsigned long seed = std::strtoul(arguments[3], nullptr, 10);
  __sanitizer_set_death_callback(SayWhich);
  for (const int number : {SIGPROF, SIGABRT}) {
    std::signal(number, [](int) {
      SayWhich();
      _exit(1);
    });
  }
  int ends[3] = {};
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < cases; i++) {
    running = op + " " + std::to_string(cases) + " " + std::to_string(seed) + " was at case " + std::to_string(i);
    std::mt19937_64 random(seed + static_cast<unsigned long>(i) * 1000003);
    std::vector<uint8_t> bytes(256);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() >> 32);
    tp::Choices choices(bytes.data(), bytes.size());
    Limit(kMostSeconds);
    ends[static_cast<int>(Run(op, choices))]++;
  }
  Limit(0);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("{\"operator\":\"%s\",\"cases\":%d,\"computed\":%d,\"refusedNodes\":%d,\"refusedInputs\":%d,\"seconds\":%.2f}\n",
              op.c_str(), cases, ends[0], ends[1], ends[2], seconds.count());
  return 0;
}

#endif
