// What our ops share: one call of an op with its inputs and outputs, and how an op is registered.
// Interfaces: tensorflow/c/ops.h and tensorflow/c/kernels.h.

#pragma once
#include <stdint.h>
#include <string.h>

#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

namespace {

// One call of an op: its inputs, its outputs, and what went wrong.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {
    inputs_.resize(TF_NumInputs(context));
    for (size_t i = 0; i < inputs_.size() && ok(); i++) TF_GetInput(context, static_cast<int>(i), &inputs_[i], status_);
    if (!ok()) return;
    int dims = TF_NumDims(inputs_[0]);
    for (int i = 0; i < dims; i++) shape_.push_back(TF_Dim(inputs_[0], i));
    columns = dims == 0 ? 1 : shape_.back();
    rows = columns == 0 ? 0 : TF_TensorElementCount(inputs_[0]) / columns;
  }
  ~Call() {
    if (!ok()) TF_OpKernelContext_Failure(context_, status_);
    for (TF_Tensor* tensor : inputs_)
      if (tensor) TF_DeleteTensor(tensor);
    for (TF_Tensor* tensor : outputs_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  // Whether the inputs from the first on have these many elements.
  bool Sizes(std::vector<int64_t> sizes) {
    for (size_t i = 0; i < sizes.size() && ok(); i++) {
      if (TF_TensorElementCount(inputs_[i]) != sizes[i]) {
        TF_SetStatus(status_, TF_INVALID_ARGUMENT, "an input has another size than its op wants");
      }
    }
    return ok();
  }
  int count() const { return static_cast<int>(inputs_.size()); }
  int64_t size(int i) const { return TF_TensorElementCount(inputs_[i]); }
  const float* in(int i) const { return static_cast<const float*>(TF_TensorData(inputs_[i])); }
  const uint8_t* flags(int i) const { return static_cast<const uint8_t*>(TF_TensorData(inputs_[i])); }
  const int32_t* words(int i) const { return static_cast<const int32_t*>(TF_TensorData(inputs_[i])); }
  int64_t dim(int i, int axis) const { return TF_NumDims(inputs_[i]) > axis ? TF_Dim(inputs_[i], axis) : 0; }
  // An output of a shape, like the first input, like another one, or a vector.
  float* Shaped(int i, const std::vector<int64_t>& shape) {
    int64_t n = 1;
    for (int64_t size : shape) n *= size;
    return Output(i, shape, n);
  }
  float* Like(int i) { return Output(i, shape_, rows * columns); }
  float* LikeInput(int i, int input) {
    std::vector<int64_t> shape;
    for (int k = 0; k < TF_NumDims(inputs_[input]); k++) shape.push_back(TF_Dim(inputs_[input], k));
    return Output(i, shape, size(input));
  }
  float* Vector(int i, int64_t n) {
    float* data = Output(i, {n}, n);
    if (data) memset(data, 0, sizeof(float) * n);
    return data;
  }
  int64_t rows = 0, columns = 0;

 private:
  float* Output(int i, const std::vector<int64_t>& shape, int64_t n) {
    TF_Tensor* tensor = TF_AllocateOutput(context_, i, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                          n * sizeof(float), status_);
    if (!ok()) return nullptr;
    outputs_.push_back(tensor);
    return static_cast<float*>(TF_TensorData(tensor));
  }
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> inputs_, outputs_;
  std::vector<int64_t> shape_;
};

// Inputs and outputs as TensorFlow declares them: "x: float", or "x: N * float" with the attribute "N: int >= 1".
struct Op {
  const char* name;
  std::vector<const char*> inputs, outputs;
  void (*compute)(void*, TF_OpKernelContext*);
  const char* attribute = nullptr;
};

inline void Register(const Op& op) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(op.name);
  if (op.attribute) TF_OpDefinitionBuilderAddAttr(definition, op.attribute);
  for (const char* input : op.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char* output : op.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_RegisterKernelBuilder(op.name, TF_NewKernelBuilder(op.name, "CPU", nullptr, op.compute, nullptr), status);
  }
  TF_DeleteStatus(status);
}

}  // namespace
