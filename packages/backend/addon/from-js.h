// Values that JavaScript gives, and errors that it gets.

#pragma once
#include <node_api.h>

#include <string>
#include <vector>

namespace {

inline bool Throw(napi_env env, const std::string& why) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, nullptr, why.c_str());
  return false;
}

inline bool Get(napi_env env, napi_value object, const char* name, napi_value* value) {
  return napi_get_named_property(env, object, name, value) == napi_ok;
}

inline napi_status Value(napi_env env, napi_value from, uint32_t* to) { return napi_get_value_uint32(env, from, to); }
inline napi_status Value(napi_env env, napi_value from, double* to) { return napi_get_value_double(env, from, to); }

template <typename Number>
bool Numbers(napi_env env, napi_value array, std::vector<Number>* numbers) {
  uint32_t length;
  if (napi_get_array_length(env, array, &length) != napi_ok) return false;
  numbers->resize(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    if (napi_get_element(env, array, i, &element) != napi_ok) return false;
    if (Value(env, element, &(*numbers)[i]) != napi_ok) return false;
  }
  return true;
}

inline bool Numbers(napi_env env, napi_value object, const char* name, std::vector<uint32_t>* numbers) {
  napi_value array;
  return Get(env, object, name, &array) && Numbers(env, array, numbers);
}

}  // namespace
