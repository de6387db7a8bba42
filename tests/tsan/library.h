#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

// The order between threads that the thread sanitizer is told of.
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

namespace skulink::tsan {

// What the shared library has under that name: the functions here stand before it, do their part and call it.
template <typename Function>
Function* InLibrary(const char* mangled_name) {
  void* function = dlsym(RTLD_NEXT, mangled_name);
  if (function == nullptr) {
    std::fprintf(stderr, "tests/tsan: no library has %s\n", mangled_name);
    std::abort();
  }
  return reinterpret_cast<Function*>(function);
}

}  // namespace skulink::tsan
