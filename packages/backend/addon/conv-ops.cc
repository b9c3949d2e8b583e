// `EspalierConv`, `EspalierConvGradX` and `EspalierConvGradFilter`: a convolution of pictures [n, height, width, channels] and its
// gradients, as one matrix product for each place of the output and each place of the filter that lies on the picture: nothing
// is copied, and nothing multiplied with the zeros around. It pays where places are few, as in the last layers of a net, or
// where the filter has one place, which makes one product of all; elsewhere oneDNN's are as fast. Not there where
// the product has no wide vectors.

#include "call.h"
#include "gemm.h"
#include "share.h"

namespace {

struct Geometry {
  int64_t n, height, width, channels, outputs;
  int64_t filter_height, filter_width, stride_y, stride_x, top, left, dilation_y, dilation_x, out_height, out_width;
  int64_t picture() const { return height * width * channels; }
  int64_t output() const { return out_height * out_width * outputs; }
  int64_t tap() const { return channels * outputs; }
  int64_t taps() const { return filter_height * filter_width; }
  Geometry(int64_t n, int64_t channels, int64_t outputs, const int32_t* is) : n(n), channels(channels), outputs(outputs) {
    height = is[0], width = is[1], filter_height = is[2], filter_width = is[3], stride_y = is[4], stride_x = is[5];
    top = is[6], left = is[7], dilation_y = is[8], dilation_x = is[9], out_height = is[10], out_width = is[11];
    if (taps() == 1 && stride_y * stride_x == 1 && top == 0 && left == 0 && height == out_height && width == out_width) {
      this->n *= height * width;  // Places are pictures of their own.
      height = width = out_height = out_width = 1;
    }
  }
  // Calls for each place of the filter, of the picture and of the output that meet.
  template <typename Work>
  void Meet(const Work& work) const {
    for (int64_t fy = 0; fy < filter_height; fy++)
      for (int64_t fx = 0; fx < filter_width; fx++)
        for (int64_t oy = 0; oy < out_height; oy++)
          for (int64_t ox = 0; ox < out_width; ox++) {
            int64_t y = oy * stride_y - top + fy * dilation_y, x = ox * stride_x - left + fx * dilation_x;
            if (y < 0 || y >= height || x < 0 || x >= width) continue;
            work(fy * filter_width + fx, (y * width + x) * channels, (oy * out_width + ox) * outputs);
          }
  }
};

const int64_t kNumbers = 12;

// Inputs: x, the filter [height, width, channels, outputs], the geometry's numbers.
void ConvOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok() || !call.Sizes({call.size(0), call.size(1), kNumbers})) return;
  Geometry g(call.dim(0, 0), call.dim(0, 3), call.dim(1, 3), call.words(2));
  const int32_t* is = call.words(2);
  float* y = call.Shaped(0, {call.dim(0, 0), is[10], is[11], g.outputs});
  if (!call.Sizes({g.n * g.picture(), g.taps() * g.tap()})) return;
  const float *x = call.in(0), *filter = call.in(1);
  Share(g.n, kTileRows, [&](int64_t from, int64_t to) {
    memset(y + from * g.output(), 0, (to - from) * g.output() * sizeof(float));
    g.Meet([&](int64_t tap, int64_t in, int64_t out) {
      Left pictures = {x + from * g.picture() + in, g.picture(), 1};
      AddProduct(to - from, g.outputs, g.channels, pictures, filter + tap * g.tap(), g.outputs,
                 y + from * g.output() + out, g.output());
    });
  });
}

// Inputs: the gradient of the output, the filter, the geometry's numbers.
void GradXOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok() || !call.Sizes({call.size(0), call.size(1), kNumbers})) return;
  Geometry g(call.dim(0, 0), call.dim(1, 2), call.dim(1, 3), call.words(2));
  const int32_t* is = call.words(2);
  float* dx = call.Shaped(0, {call.dim(0, 0), is[0], is[1], g.channels});
  if (!call.Sizes({g.n * g.output(), g.taps() * g.tap()})) return;
  const float *dy = call.in(0), *filter = call.in(1);
  std::vector<float> back(g.taps() * g.tap());
  const int64_t block = 16;
  for (int64_t tap = 0; tap < g.taps(); tap++)
    for (int64_t c0 = 0; c0 < g.channels; c0 += block)
      for (int64_t o = 0; o < g.outputs; o++)
        for (int64_t c = c0; c < std::min(c0 + block, g.channels); c++)
          back[tap * g.tap() + o * g.channels + c] = filter[tap * g.tap() + c * g.outputs + o];
  Share(g.n, kTileRows, [&](int64_t from, int64_t to) {
    memset(dx + from * g.picture(), 0, (to - from) * g.picture() * sizeof(float));
    g.Meet([&](int64_t tap, int64_t in, int64_t out) {
      Left slopes = {dy + from * g.output() + out, g.output(), 1};
      AddProduct(to - from, g.channels, g.outputs, slopes, back.data() + tap * g.tap(), g.channels,
                 dx + from * g.picture() + in, g.picture());
    });
  });
}

// Inputs: x, the gradient of the output, the geometry's numbers.
void GradFilterOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok() || !call.Sizes({call.size(0), call.size(1), kNumbers})) return;
  Geometry g(call.dim(0, 0), call.dim(0, 3), call.dim(1, 3), call.words(2));
  float* df = call.Shaped(0, {g.filter_height, g.filter_width, g.channels, g.outputs});
  if (!call.Sizes({g.n * g.picture(), g.n * g.output()})) return;
  const float *x = call.in(0), *dy = call.in(1);
  memset(df, 0, g.taps() * g.tap() * sizeof(float));
  Share(g.channels, kTileRows, [&](int64_t from, int64_t to) {
    g.Meet([&](int64_t tap, int64_t in, int64_t out) {
      Left pictures = {x + in + from, 1, g.picture()};
      AddProduct(to - from, g.outputs, g.n, pictures, dy + out, g.output(), df + tap * g.tap() + from * g.outputs,
                 g.outputs);
    });
  });
}

}  // namespace

extern "C" void espalier_register_conv_ops() {
  if (!HasWideProduct()) return;
  Register({"EspalierConv", {"x: float", "filter: float", "geometry: int32"}, {"y: float"}, &ConvOp});
  Register({"EspalierConvGradX", {"dy: float", "filter: float", "geometry: int32"}, {"dx: float"}, &GradXOp});
  Register({"EspalierConvGradFilter", {"x: float", "dy: float", "geometry: int32"}, {"dfilter: float"}, &GradFilterOp});
}
