// setThreads(count): from now on ops compute with so many threads. TensorFlow fixes their number when a context is made, so
// another context takes the place of the one before, and all tensors go over to it; with a pool of its own, for by default all
// contexts of a process share the first one's. The old one stays: programs may hold ops of it.

#include <node_api.h>
#include <stdlib.h>

#include <vector>

#include "from-js.h"
#include "reach.h"
#include "share.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

// A ConfigProto with intra_op_parallelism_threads (field 2) and inter_op_parallelism_threads (field 5).
std::vector<uint8_t> Config(uint32_t threads) {
  std::vector<uint8_t> bytes = {0x10};
  for (; threads >= 0x80; threads >>= 7) bytes.push_back(static_cast<uint8_t>(threads | 0x80));
  bytes.push_back(static_cast<uint8_t>(threads));
  bytes.insert(bytes.end(), {0x28, 1});
  return bytes;
}

napi_value SetThreads(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value arg;
  void* data;
  uint32_t threads = 0;
  if (napi_get_cb_info(env, info, &argc, &arg, nullptr, &data) != napi_ok || argc < 1) return nullptr;
  if (napi_get_value_uint32(env, arg, &threads) != napi_ok || threads < 1) {
    Throw(env, "a number of threads is at least 1");
    return nullptr;
  }
  TFJSBackend* backend = static_cast<TFJSBackend*>(data);
  TF_Status* status = TF_NewStatus();
  setenv("TF_OVERRIDE_GLOBAL_THREADPOOL", "1", 1);
  TFE_ContextOptions* options = TFE_NewContextOptions();
  const std::vector<uint8_t> config = Config(threads);
  TFE_ContextOptionsSetConfig(options, config.data(), config.size(), status);
  TFE_Context* context = TF_GetCode(status) == TF_OK ? TFE_NewContext(options, status) : nullptr;
  TFE_DeleteContextOptions(options);
  std::vector<std::pair<TFE_TensorHandle**, TFE_TensorHandle*>> moved;
  if (TF_GetCode(status) == TF_OK) {
    for (auto& entry : backend->*Of(HandlesOf())) {
      TF_Tensor* tensor = TFE_TensorHandleResolve(entry.second, status);
      if (TF_GetCode(status) != TF_OK) break;
      TFE_TensorHandle* handle = TFE_NewTensorHandle(tensor, status);
      TF_DeleteTensor(tensor);
      if (TF_GetCode(status) != TF_OK) break;
      moved.push_back({&entry.second, handle});
    }
  }
  const bool ok = TF_GetCode(status) == TF_OK;
  for (const auto& one : moved) {
    TFE_DeleteTensorHandle(ok ? *one.first : one.second);
    if (ok) *one.first = one.second;
  }
  if (ok) {
    backend->*Of(ContextOf()) = context;
    espalier::SetThreads(threads);
  } else {
    Throw(env, TF_Message(status));
    if (context) TFE_DeleteContext(context);
  }
  TF_DeleteStatus(status);
  return nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void espalier_export_threads(napi_env env, napi_value exports) {
  Export(env, exports, "setThreads", &SetThreads);
}
