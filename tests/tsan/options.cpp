// What the thread sanitizer reads when a program starts.

// Some tests fork a server and kill it.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }

// Only libraries of Debian, never our own code. `called_from_lib` leaves out what such a library itself reads
// and writes by memcpy, recvmsg, malloc, free and the like. It is all that the sanitizer sees of their work
// on memory: what orders it are atomics and spin locks inside of them, which it does not see. Locks count as
// before, and so does what our code does with that memory.
extern "C" const char* __tsan_default_suppressions() {
  return
      // Buffers, calls and errors go from thread to thread by lists without locks and by counts of
      // references.
      "called_from_lib:libgrpc.so.29\n"
      "called_from_lib:libgrpc++.so.1.51\n"
      // The parts of gRPC's errors, shared by counts of references.
      "called_from_lib:libabsl_status.so\n"
      "called_from_lib:libabsl_cord.so\n"
      // Time zones, published by an atomic pointer.
      "called_from_lib:libabsl_time_zone.so\n"
      // The order of locks that absl::Mutex looks for deadlocks in, under a spin lock.
      "called_from_lib:libabsl_graphcycles_internal.so\n"
      // The text of an error that gRPC puts together, two parts at a time, which nothing of ours does.
      "race:^absl::debian3::StrAppend(std::__cxx11::basic_string<*, absl::debian3::AlphaNum const&, "
      "absl::debian3::AlphaNum const&)$\n";
}
