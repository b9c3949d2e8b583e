/**
 * C++ of an op of our own, compiled into the addon: `EspalierMask`, a gradient with zeros where a mask is false.
 * TensorFlow's own `Mul` does the same, but wakes a thread of its pool for every tensor above 90,000 values,
 * which costs more than the product; this one stays on the calling thread and reads a quarter of the mask's
 * bytes. Where the addon was not compiled by us, `Mul` it is.
 *
 * Interfaces: tensorflow/c/ops.h and tensorflow/c/kernels.h.
 */
export const MASK_OP = `
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"
#include <stdint.h>
#include <vector>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void Mask(const float* x, const uint8_t* mask, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = mask[i] ? x[i] : 0.0f;
}

static void Compute(void*, TF_OpKernelContext* context) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor* x = nullptr;
  TF_Tensor* mask = nullptr;
  TF_GetInput(context, 0, &x, status);
  if (TF_GetCode(status) == TF_OK) TF_GetInput(context, 1, &mask, status);
  if (TF_GetCode(status) == TF_OK && TF_TensorElementCount(x) != TF_TensorElementCount(mask)) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "the mask has another size than the tensor");
  }
  if (TF_GetCode(status) == TF_OK) {
    std::vector<int64_t> shape(TF_NumDims(x));
    for (size_t i = 0; i < shape.size(); i++) shape[i] = TF_Dim(x, static_cast<int>(i));
    TF_Tensor* y = TF_AllocateOutput(context, 0, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                     TF_TensorByteSize(x), status);
    if (TF_GetCode(status) == TF_OK) {
      Mask(static_cast<const float*>(TF_TensorData(x)), static_cast<const uint8_t*>(TF_TensorData(mask)),
           static_cast<float*>(TF_TensorData(y)), TF_TensorElementCount(x));
    }
    if (y) TF_DeleteTensor(y);
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  if (x) TF_DeleteTensor(x);
  if (mask) TF_DeleteTensor(mask);
  TF_DeleteStatus(status);
}

extern "C" void espalier_register_noise_ops();
extern "C" void espalier_register_mixture_op();
extern "C" void espalier_register_scale_kl_ops();
extern "C" void espalier_register_posterior_ops();

extern "C" __attribute__((visibility("default"))) void espalier_register_ops() {
  espalier_register_noise_ops();
  espalier_register_mixture_op();
  espalier_register_scale_kl_ops();
  espalier_register_posterior_ops();
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder("EspalierMask");
  TF_OpDefinitionBuilderAddInput(op, "x: float");
  TF_OpDefinitionBuilderAddInput(op, "mask: bool");
  TF_OpDefinitionBuilderAddOutput(op, "y: float");
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* kernel = TF_NewKernelBuilder("EspalierMask", "CPU", nullptr, &Compute, nullptr);
    TF_RegisterKernelBuilder("EspalierMask", kernel, status);
  }
  TF_DeleteStatus(status);
}
`;
