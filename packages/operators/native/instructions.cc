// The choice between the forms of attention and rounding.
#include <atomic>
#include <stdexcept>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "attention.h"
#include "rounding.h"

namespace tp {
namespace {

struct Form {
  const char* name;
  Attend attend;
  Attend attendIntegers;
  Rounding rounding;
};

#if defined(__x86_64__)
/// What the processor has, and which registers the system keeps. Compilers have a function for it, __builtin_cpu_supports, which says
/// in zig that there is nothing.
struct Processor {
  bool hasFma = false, saves256 = false, saves512 = false;
  unsigned ebx = 0, ecx = 0;

  Processor() {
    unsigned eax = 0, edx = 0, features = 0;
    if (__get_cpuid(1, &eax, &ebx, &features, &edx) == 0) return;
    hasFma = (features & bit_FMA) != 0;
    if ((features & bit_OSXSAVE) != 0) {
      unsigned saved = 0, high = 0;
      __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
      saves256 = (saved & 0x06) == 0x06;
      saves512 = (saved & 0xE6) == 0xE6;
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) ebx = ecx = 0;
  }
  bool Has(unsigned inEbx, unsigned inEcx) const { return (ebx & inEbx) == inEbx && (ecx & inEcx) == inEcx; }
};
#endif

/// Those that this processor can run, fastest first.
std::vector<Form> Forms() {
  std::vector<Form> forms;
#if defined(__x86_64__)
  const Processor processor;
  const bool hasAvx2 = processor.Has(bit_AVX2, 0) && processor.hasFma;
  const bool hasVnni = processor.Has(bit_AVX512BW, bit_AVX512VNNI);
  if (processor.saves512 && processor.Has(bit_AVX512F, 0) && (hasVnni || hasAvx2)) {
    forms.push_back({"avx512", AttendAvx512, hasVnni ? AttendIntegersVnni : AttendIntegersAvx2, kRoundingAvx512});
  }
  if (processor.saves256 && hasAvx2) forms.push_back({"avx2", AttendAvx2, AttendIntegersAvx2, kRoundingAvx2});
#endif
  forms.push_back({"baseline", AttendBaseline, AttendIntegersBaseline, kRoundingBaseline});
  return forms;
}

const std::vector<Form>& Available() {
  static const auto* const forms = new std::vector<Form>(Forms());
  return *forms;
}

std::atomic<const Form*> named = nullptr;

const Form& Chosen() {
  const Form* form = named;
  return form == nullptr ? Available().front() : *form;
}

}  // namespace

void ChooseInstructions(const std::string& name) {
  std::string names;
  for (const Form& form : Available()) {
    if (name.empty() || name == form.name) {
      named = &form;
      return;
    }
    names += (names.empty() ? "" : ", ") + std::string(form.name);
  }
  throw std::runtime_error("this processor has " + names + ", not " + name);
}

const char* Compiler() {
#ifdef __clang__
  return __VERSION__;
#else
  return "GCC " __VERSION__;
#endif
}

const char* ChosenInstructions() { return Chosen().name; }
Attend ChosenAttend(bool byIntegers) { return byIntegers ? Chosen().attendIntegers : Chosen().attend; }
Rounding ChosenRounding() { return Chosen().rounding; }

}  // namespace tp
