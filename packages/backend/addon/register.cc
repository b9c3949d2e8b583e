// Registers all ops of our own with TensorFlow. The loader calls it once, after the library is open.

extern "C" void espalier_register_update_ops();
extern "C" void espalier_register_mask_op();
extern "C" void espalier_register_noise_ops();
extern "C" void espalier_register_mixture_op();
extern "C" void espalier_register_scale_kl_ops();
extern "C" void espalier_register_posterior_ops();
extern "C" void espalier_register_gru_ops();
extern "C" void espalier_register_conv_ops();
extern "C" void espalier_register_batch_norm_ops();

extern "C" __attribute__((visibility("default"))) void espalier_register_ops() {
  espalier_register_update_ops();
  espalier_register_mask_op();
  espalier_register_noise_ops();
  espalier_register_mixture_op();
  espalier_register_scale_kl_ops();
  espalier_register_posterior_ops();
  espalier_register_gru_ops();
  espalier_register_conv_ops();
  espalier_register_batch_norm_ops();
}
