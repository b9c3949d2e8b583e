// gatherExamples(values, table, chosen, shape, moves, picture): the id of a float tensor of this shape, whose rows are the chosen
// examples of `values`: floats as they are, bytes by a table of 256 floats. Pictures may be moved, each by its own whole pixels.
// One pass, from the memory of JavaScript into that of TensorFlow.

#include <node_api.h>
#include <string.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "call.h"
#include "from-js.h"
#include "reach.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

WIDE void Look(const uint8_t* in, const float* table, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = table[in[i]];
}

WIDE void Divide(const uint8_t* in, float by, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = static_cast<float>(in[i]) / by;
}

// By what bytes are divided where that is what a table says, to the bit (0 to 1, or as they are); else 0.
float DivisorOf(const float* table) {
  const float by = std::round(1 / table[1]);
  for (int i = 0; i < 256; i++) {
    if (table[i] != static_cast<float>(i) / by) return 0;
  }
  return by;
}

// Asks for memory that is read soon.
void Fetch(const void* from, int64_t bytes) {
#if defined(__GNUC__)
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const char*>(from) + i);
#endif
}

struct Array {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
};

bool Typed(napi_env env, napi_value value, Array* array) {
  bool is = false;
  if (napi_is_typedarray(env, value, &is) != napi_ok || !is) return false;
  return napi_get_typedarray_info(env, value, &array->type, &array->length, &array->data, nullptr, nullptr) == napi_ok;
}

// Height, width, channels, and what moves in.
struct Picture {
  int64_t height, width, channels;
  float background;
};

struct Source {
  Array values, table;
  float divisor = 0;
  void Copy(int64_t from, float* out, int64_t n) const {
    if (values.type == napi_float32_array) memcpy(out, static_cast<const float*>(values.data) + from, n * sizeof(float));
    else if (divisor > 0) Divide(static_cast<const uint8_t*>(values.data) + from, divisor, out, n);
    else Look(static_cast<const uint8_t*>(values.data) + from, static_cast<const float*>(table.data), out, n);
  }
};

void Moved(const Source& source, int64_t from, float* out, const Picture& picture, int32_t down, int32_t right) {
  const int64_t row = picture.width * picture.channels, across = right * picture.channels;
  const int64_t left = std::min(row, std::max<int64_t>(0, across));
  const int64_t count = std::max<int64_t>(0, row - std::abs(across));
  for (int64_t y = 0; y < picture.height; y++, out += row) {
    const int64_t line = y - down;
    if (line < 0 || line >= picture.height || count == 0) {
      std::fill(out, out + row, picture.background);
      continue;
    }
    std::fill(out, out + left, picture.background);
    source.Copy(from + line * row + std::max<int64_t>(0, -across), out + left, count);
    std::fill(out + left + count, out + row, picture.background);
  }
}

napi_value Gather(napi_env env, napi_callback_info info) {
  size_t argc = 6;
  napi_value args[6], id;
  void* data;
  Source source;
  Array chosen, moves;
  std::vector<uint32_t> shape;
  std::vector<double> picture;
  bool ok = napi_get_cb_info(env, info, &argc, args, nullptr, &data) == napi_ok && argc == 6 &&
            Typed(env, args[0], &source.values) && Typed(env, args[2], &chosen) && Numbers(env, args[3], &shape);
  const bool bytes = ok && source.values.type == napi_uint8_array;
  ok = ok && (bytes || source.values.type == napi_float32_array) && chosen.type == napi_uint32_array;
  if (bytes) ok = ok && Typed(env, args[1], &source.table) && source.table.type == napi_float32_array && source.table.length == 256;
  const bool moving = ok && Typed(env, args[4], &moves);
  std::vector<int64_t> dims(shape.begin(), shape.end());
  int64_t stride = 1;
  for (size_t i = 1; i < dims.size(); i++) stride *= dims[i];
  ok = ok && !dims.empty() && static_cast<size_t>(dims[0]) == chosen.length && stride > 0;
  if (moving) {
    ok = ok && Numbers(env, args[5], &picture) && picture.size() == 4 && moves.type == napi_int32_array &&
         moves.length == 2 * chosen.length && picture[0] * picture[1] * picture[2] == stride;
  }
  const uint32_t* rows = static_cast<const uint32_t*>(chosen.data);
  for (size_t i = 0; i < chosen.length && ok; i++) ok = (static_cast<int64_t>(rows[i]) + 1) * stride <= static_cast<int64_t>(source.values.length);
  if (!ok) {
    Throw(env, "the examples of a batch are not well formed");
    return nullptr;
  }
  TF_Tensor* tensor = TF_AllocateTensor(TF_FLOAT, dims.data(), static_cast<int>(dims.size()), chosen.length * stride * sizeof(float));
  float* out = static_cast<float*>(TF_TensorData(tensor));
  if (bytes) source.divisor = DivisorOf(static_cast<const float*>(source.table.data));
  const int64_t width = bytes ? 1 : sizeof(float);
  for (size_t i = 0; i < chosen.length; i++, out += stride) {
    const int64_t from = rows[i] * stride;
    // Rows lie anywhere: the memory is asked for two ahead.
    if (i + 2 < chosen.length) {
      const int64_t next = rows[i + 2] * stride * width;
      Fetch(static_cast<const char*>(source.values.data) + next, std::min<int64_t>(stride * width, 4096));
    }
    const int32_t* by = moving ? static_cast<const int32_t*>(moves.data) + 2 * i : nullptr;
    if (!by || (by[0] == 0 && by[1] == 0)) source.Copy(from, out, stride);
    else Moved(source, from, out, {int64_t(picture[0]), int64_t(picture[1]), int64_t(picture[2]), float(picture[3])}, by[0], by[1]);
  }
  TF_Status* status = TF_NewStatus();
  TFE_TensorHandle* handle = TFE_NewTensorHandle(tensor, status);
  const bool made = TF_GetCode(status) == TF_OK;
  if (!made) Throw(env, TF_Message(status));
  TF_DeleteStatus(status);
  TF_DeleteTensor(tensor);
  if (!made) return nullptr;
  TFJSBackend* backend = static_cast<TFJSBackend*>(data);
  napi_create_int32(env, (backend->*Of(InsertOf()))(handle), &id);
  return id;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void espalier_export_examples(napi_env env, napi_value exports) {
  Export(env, exports, "gatherExamples", &Gather);
}
