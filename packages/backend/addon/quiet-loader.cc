// The file that Node loads as the addon. It opens the real one beside it (`<itself>.so`) with standard
// error pointed at nothing for that moment: TensorFlow prints greetings from static initialisers, which no
// setting of its own can silence. Only where the caller asked TensorFlow for silence. Then it registers our ops, and adds our functions.

#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  Dl_info self;
  if (!dladdr(reinterpret_cast<void*>(&napi_register_module_v1), &self)) {
    napi_throw_error(env, nullptr, "the addon does not know where it lies");
    return nullptr;
  }
  const char* level = getenv("TF_CPP_MIN_LOG_LEVEL");
  const int nothing = level && level[0] > '0' ? open("/dev/null", O_WRONLY) : -1;
  const int saved = nothing >= 0 ? dup(2) : -1;
  if (saved >= 0) dup2(nothing, 2);
  void* library = dlopen((std::string(self.dli_fname) + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (saved >= 0) {
    dup2(saved, 2);
    close(saved);
  }
  if (nothing >= 0) close(nothing);
  typedef napi_value (*Register)(napi_env, napi_value);
  Register start = library ? reinterpret_cast<Register>(dlsym(library, "napi_register_module_v1")) : nullptr;
  if (!start) {
    const char* why = dlerror();
    napi_throw_error(env, nullptr, why ? why : "the addon has no entry");
    return nullptr;
  }
  void (*ops)() = reinterpret_cast<void (*)()>(dlsym(library, "espalier_register_ops"));
  static bool registered = false;  // Worker threads load the addon again.
  if (ops && !registered) ops();
  registered = true;
  napi_value started = start(env, exports);
  typedef void (*Export)(napi_env, napi_value);
  for (const char* name : {"espalier_export_programs", "espalier_export_threads", "espalier_export_examples"}) {
    Export functions = reinterpret_cast<Export>(dlsym(library, name));
    if (functions && started) functions(env, started);
  }
  return started;
}
