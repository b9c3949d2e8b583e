// What our functions need of tfjs-node's backend, which keeps its context and its handles to itself.

#pragma once
#include <node_api.h>

#include <unordered_map>

#include "tensorflow/c/eager/c_api.h"
#include "tfjs_backend.h"

namespace {

using tfnodejs::TFJSBackend;
typedef std::unordered_map<int32_t, TFE_TensorHandle*> Handles;

// The language lets an explicit instantiation name them.
template <typename Tag, typename Tag::type Member>
struct Reach {
  friend typename Tag::type Of(Tag) { return Member; }
};
struct ContextOf {
  typedef TFE_Context* TFJSBackend::*type;
  friend type Of(ContextOf);
};
struct HandlesOf {
  typedef Handles TFJSBackend::*type;
  friend type Of(HandlesOf);
};
struct InsertOf {
  typedef int32_t (TFJSBackend::*type)(TFE_TensorHandle*);
  friend type Of(InsertOf);
};
template struct Reach<ContextOf, &TFJSBackend::tfe_context_>;
template struct Reach<HandlesOf, &TFJSBackend::tfe_handle_map_>;
template struct Reach<InsertOf, &TFJSBackend::InsertHandle>;

// Adds a function to the addon's exports, which is called with the backend of its environment.
inline void Export(napi_env env, napi_value exports, const char* name, napi_callback call) {
  void* backend = nullptr;
  napi_value function;
  if (napi_get_instance_data(env, &backend) != napi_ok || !backend) return;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, call, backend, &function) != napi_ok) return;
  napi_set_named_property(env, exports, name, function);
}

}  // namespace
