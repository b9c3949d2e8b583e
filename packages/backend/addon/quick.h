// Calls of a program that TensorFlow takes longer to look up than to compute: numbers of few values, and other shapes of tensors. The same
// bits come out of them; whatever is not as simple as that is left to TensorFlow.

#pragma once
#include <stdint.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <xmmintrin.h>
#endif

#include <string>
#include <vector>

#include "status.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

enum class Quick { kNone, kAdd, kSub, kMul, kDiv, kNeg, kReshape };

// More values take longer than TensorFlow's dispatch.
const int64_t kFew = 4096;

inline Quick QuickOf(const std::string& op) {
  if (op == "Add" || op == "AddV2") return Quick::kAdd;
  if (op == "Sub") return Quick::kSub;
  if (op == "Mul") return Quick::kMul;
  if (op == "RealDiv") return Quick::kDiv;
  if (op == "Neg") return Quick::kNeg;
  return op == "Reshape" ? Quick::kReshape : Quick::kNone;
}

// The values of a handle that lies in this process's memory.
class Values {
 public:
  Values(TFE_TensorHandle* handle, TF_Status* status) : tensor_(TFE_TensorHandleResolve(handle, status)) {}
  ~Values() {
    if (tensor_) TF_DeleteTensor(tensor_);
  }
  Values(const Values&) = delete;
  TF_Tensor* tensor() const { return tensor_; }
  bool there() const { return tensor_ != nullptr; }
  int64_t count() const { return TF_TensorElementCount(tensor_); }
  const float* floats() const { return static_cast<const float*>(TF_TensorData(tensor_)); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> dims(TF_NumDims(tensor_));
    for (size_t i = 0; i < dims.size(); i++) dims[i] = TF_Dim(tensor_, static_cast<int>(i));
    return dims;
  }

 private:
  TF_Tensor* tensor_;
};

// A handle of a tensor, which it takes.
inline TFE_TensorHandle* HandleOf(TF_Tensor* tensor, TF_Status* status) {
  TFE_TensorHandle* handle = TFE_NewTensorHandle(tensor, status);
  TF_DeleteTensor(tensor);
  return TF_GetCode(status) == TF_OK ? handle : nullptr;
}

inline TFE_TensorHandle* Reshaped(TFE_TensorHandle* x, TFE_TensorHandle* to, TF_Status* status) {
  const TF_DataType type = TFE_TensorHandleDataType(x);
  if (TFE_TensorHandleDataType(to) != TF_INT32 || TF_DataTypeSize(type) == 0) return nullptr;
  Values from(x, status), shape(to, status);
  if (!from.there() || !shape.there() || TF_NumDims(shape.tensor()) != 1) return nullptr;
  const int32_t* given = static_cast<const int32_t*>(TF_TensorData(shape.tensor()));
  const std::vector<int64_t> dims(given, given + shape.count());
  int64_t count = 1;
  for (int64_t size : dims) {
    if (size < 0) return nullptr;  // It is worked out.
    count *= size;
  }
  if (count != from.count()) return nullptr;
  const int64_t none = 0;
  TF_Tensor* other = TF_AllocateTensor(type, &none, 1, 0);
  TF_TensorBitcastFrom(from.tensor(), type, other, dims.data(), static_cast<int>(dims.size()), status);
  return HandleOf(other, status);
}

// As in TensorFlow's kernels numbers next to nothing are 0 meanwhile; where that cannot be had, they are left to it.
#if defined(__x86_64__) && defined(__GNUC__)
const bool kFlushes = true;
class Flush {
 public:
  Flush() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~Flush() { _mm_setcsr(before_); }

 private:
  unsigned before_;
};
#else
const bool kFlushes = false;
class Flush {};
#endif

template <typename Work>
void Each(const float* a, int64_t a_step, const float* b, int64_t b_step, float* y, int64_t n, const Work& work) {
  for (int64_t i = 0; i < n; i++) y[i] = work(a[i * a_step], b[i * b_step]);
}

__attribute__((noinline)) TFE_TensorHandle* Combined(Quick op, TFE_TensorHandle* left, TFE_TensorHandle* right, TF_Status* status) {
  for (TFE_TensorHandle* one : {left, right}) {
    if (TFE_TensorHandleDataType(one) != TF_FLOAT || TFE_TensorHandleNumElements(one, status) > kFew) return nullptr;
  }
  Values a(left, status), b(right, status);
  if (!a.there() || !b.there()) return nullptr;
  const std::vector<int64_t> own = a.shape(), other = b.shape();
  // One number may go with all of the other's.
  const bool first = b.count() == 1 && other.size() <= own.size(), second = a.count() == 1 && own.size() <= other.size();
  if (own != other && !first && !second) return nullptr;
  const std::vector<int64_t>& dims = own == other || first ? own : other;
  const int64_t n = own == other || first ? a.count() : b.count();
  TF_Tensor* made = TF_AllocateTensor(TF_FLOAT, dims.data(), static_cast<int>(dims.size()), n * sizeof(float));
  float* y = static_cast<float*>(TF_TensorData(made));
  const int64_t a_step = a.count() == 1 ? 0 : 1, b_step = b.count() == 1 ? 0 : 1;
  auto each = [&](auto work) { Each(a.floats(), a_step, b.floats(), b_step, y, n, work); };
  if (op == Quick::kAdd) each([](float p, float q) { return p + q; });
  else if (op == Quick::kSub) each([](float p, float q) { return p - q; });
  else if (op == Quick::kMul) each([](float p, float q) { return p * q; });
  else if (op == Quick::kDiv) each([](float p, float q) { return p / q; });
  else each([](float p, float) { return -p; });
  return HandleOf(made, status);
}

// What a call comes to; nullptr where TensorFlow is to compute it.
inline TFE_TensorHandle* Quickly(Quick op, const std::vector<TFE_TensorHandle*>& inputs) {
  if (op == Quick::kNone || inputs.size() != (op == Quick::kNeg ? 1u : 2u)) return nullptr;
  Status status;
  Flush flush;
  if (op != Quick::kReshape && !kFlushes) return nullptr;
  if (op == Quick::kReshape) return Reshaped(inputs[0], inputs[1], status);
  return Combined(op, inputs[0], inputs.back(), status);
}

}  // namespace
