#include "windows.h"
#include <algorithm>
#include <limits>
#include "inputs.h"

namespace pipeline {
namespace {

using at::IntArrayRef;

Precision precision = Precision::float32;

Tensor rounded(const Tensor& t) {
  return precision == Precision::bf16 && t.scalar_type() == at::kFloat ? t.to(at::kBFloat16) : t;
}
Tensor restored(const Tensor& t) { return t.scalar_type() == at::kBFloat16 ? t.to(at::kFloat) : t; }

Tensors productOf(const Tensors& in, bool transposeFirst, bool transposeSecond) {
  const Tensor a = beside(in[0], in[1].device() == at::kCPU ? in[0] : in[1]), b = beside(in[1], a);
  const auto side = [](const Tensor& t, bool transposed) { return rounded(transposed ? t.transpose(-1, -2) : t); };
  return {restored(at::matmul(side(a, transposeFirst), side(b, transposeSecond))).contiguous()};
}

// (n, h, w, c) as (n, c, h, w): the same memory, which PyTorch calls channels_last.
Tensor planes(const Tensor& images) { return images.permute({0, 3, 1, 2}); }
Tensor images(const Tensor& planes) { return planes.permute({0, 2, 3, 1}).contiguous(); }
// (h, w, in, out) as (out, in, h, w).
Tensor kernelOf(const Tensor& filter) {
  return filter.permute({3, 2, 0, 1}).contiguous(at::MemoryFormat::ChannelsLast);
}
Tensor filterOf(const Tensor& kernel) { return kernel.permute({2, 3, 1, 0}).contiguous(); }
// (h, w, in, multiplier) as (in · multiplier, 1, h, w).
Tensor depthwiseKernelOf(const Tensor& filter) {
  return filter.permute({2, 3, 0, 1}).reshape({filter.size(2) * filter.size(3), 1, filter.size(0), filter.size(1)});
}
Tensor depthwiseFilterOf(const Tensor& kernel, IntArrayRef shape) {
  return kernel.reshape({shape[2], shape[3], shape[0], shape[1]}).permute({2, 3, 0, 1}).contiguous();
}

// Strides, dilations and margins of a window that moves over images.
struct Window {
  Ints strides, dilations, padding;  // padding: what both sides have
  Ints more;                         // what must be added besides: left, right, top, bottom; empty: nothing
};

Window windowOf(const Attributes& with, IntArrayRef shape, int64_t height, int64_t width) {
  Ints strides = ints(with, "strides"), dilations = ints(with, "dilations");
  if (dilations.empty()) dilations = {1, 1, 1, 1};
  Window window{{strides[1], strides[2]}, {dilations[1], dilations[2]}, {0, 0}, {}};
  const auto padding = attribute<std::string>(with, "padding", "VALID");
  Ints sides(4, 0);  // top, bottom, left, right
  if (padding == "EXPLICIT") {
    const Ints given = ints(with, "explicit_paddings");
    sides = {given[2], given[3], given[4], given[5]};
  } else if (padding == "SAME") {
    for (const int axis : {0, 1}) {
      const int64_t length = shape[1 + axis], extent = ((axis == 0 ? height : width) - 1) * window.dilations[axis] + 1;
      const int64_t places = (length + window.strides[axis] - 1) / window.strides[axis];
      const int64_t total = std::max<int64_t>(0, (places - 1) * window.strides[axis] + extent - length);
      sides[2 * axis] = total / 2, sides[2 * axis + 1] = total - total / 2;
    }
  }
  if (sides[0] == sides[1] && sides[2] == sides[3])
    window.padding = {sides[0], sides[2]};
  else
    window.more = {sides[2], sides[3], sides[0], sides[1]};
  return window;
}

// In the layout of images, so that the result is channels_last again.
Tensor widened(const Tensor& x, const Window& window, double value = 0) {
  if (window.more.empty()) return x;
  const Ints& more = window.more;
  return at::constant_pad_nd(x, Ints{0, 0, more[0], more[1], more[2], more[3]}, value);
}
Ints widenedShape(IntArrayRef shape, const Window& window) {
  if (window.more.empty()) return shape.vec();
  const Ints& more = window.more;
  return {shape[0], shape[1] + more[2] + more[3], shape[2] + more[0] + more[1], shape[3]};
}
Tensor narrowed(const Tensor& x, IntArrayRef shape, const Window& window) {
  if (window.more.empty()) return x;
  return x.narrow(1, window.more[2], shape[1]).narrow(2, window.more[0], shape[2]).contiguous();
}

Tensor convolved(const Tensor& x, const Tensor& kernel, const Window& window, int64_t groups) {
  const Tensor y = at::convolution(rounded(planes(widened(x, window))), rounded(kernel), {}, window.strides,
                                   window.padding, window.dilations, false, {0, 0}, groups);
  return images(restored(y));
}

enum class Side { input, kernel };

// The slope of one of both. Of the other only the values count, of this one only the shape.
Tensor slope(Side side, const Tensor& dy, const Tensor& x, const Tensor& kernel, const Window& window, int64_t groups) {
  const auto [dx, dkernel, _] = at::convolution_backward(
      rounded(planes(dy)), rounded(planes(x)), rounded(kernel), c10::nullopt, window.strides, window.padding,
      window.dilations, false, {0, 0}, groups, {side == Side::input, side == Side::kernel, false});
  return restored(side == Side::input ? dx : dkernel);
}

}  // namespace

Tensors product(const Tensors& in, const Attributes& with) {
  return productOf(in, attribute<bool>(with, "adj_x", false), attribute<bool>(with, "adj_y", false));
}
Tensors flatProduct(const Tensors& in, const Attributes& with) {
  return productOf(in, attribute<bool>(with, "transpose_a", false), attribute<bool>(with, "transpose_b", false));
}

Tensors convolution(const Tensors& in, const Attributes& with) {
  const Window window = windowOf(with, in[0].sizes(), in[1].size(0), in[1].size(1));
  return {convolved(in[0], kernelOf(in[1]), window, 1)};
}
Tensors convolutionToInput(const Tensors& in, const Attributes& with) {
  const Ints shape = intsIn(in[0]);
  const Window window = windowOf(with, shape, in[1].size(0), in[1].size(1));
  const Tensor x = at::empty(widenedShape(shape, window), in[2].options());
  return {narrowed(images(slope(Side::input, in[2], x, kernelOf(in[1]), window, 1)), shape, window)};
}
Tensors convolutionToFilter(const Tensors& in, const Attributes& with) {
  const Ints shape = intsIn(in[1]);
  const Window window = windowOf(with, in[0].sizes(), shape[0], shape[1]);
  const Tensor kernel = at::empty({shape[3], shape[2], shape[0], shape[1]}, in[0].options(), at::MemoryFormat::ChannelsLast);
  return {filterOf(slope(Side::kernel, in[2], widened(in[0], window), kernel, window, 1))};
}

Tensors depthwise(const Tensors& in, const Attributes& with) {
  const Window window = windowOf(with, in[0].sizes(), in[1].size(0), in[1].size(1));
  return {convolved(in[0], depthwiseKernelOf(in[1]), window, in[0].size(3))};
}
Tensors depthwiseToInput(const Tensors& in, const Attributes& with) {
  const Ints shape = intsIn(in[0]);
  const Window window = windowOf(with, shape, in[1].size(0), in[1].size(1));
  const Tensor x = at::empty(widenedShape(shape, window), in[2].options());
  const Tensor dx = slope(Side::input, in[2], x, depthwiseKernelOf(in[1]), window, shape[3]);
  return {narrowed(images(dx), shape, window)};
}
Tensors depthwiseToFilter(const Tensors& in, const Attributes& with) {
  const Ints shape = intsIn(in[1]);
  const Window window = windowOf(with, in[0].sizes(), shape[0], shape[1]);
  const Tensor kernel = at::empty({shape[2] * shape[3], 1, shape[0], shape[1]}, in[0].options());
  return {depthwiseFilterOf(slope(Side::kernel, in[2], widened(in[0], window), kernel, window, shape[2]), shape)};
}

// ---- Pooling

namespace {

struct Pool {
  Ints size;
  Window window;
};
Pool poolOf(const Attributes& with, IntArrayRef shape) {
  const Ints size = ints(with, "ksize");
  return {{size[1], size[2]}, windowOf(with, shape, size[1], size[2])};
}
constexpr double lowest = -std::numeric_limits<double>::infinity();

}  // namespace

Tensors maxPool(const Tensors& in, const Attributes& with) {
  const auto [size, window] = poolOf(with, in[0].sizes());
  return {images(at::max_pool2d(planes(widened(in[0], window, lowest)), size, window.strides, window.padding))};
}
Tensors maxPoolGradient(const Tensors& in, const Attributes& with) {
  const auto [size, window] = poolOf(with, in[0].sizes());
  const Tensor x = planes(widened(in[0], window, lowest));
  const Tensor places = std::get<1>(at::max_pool2d_with_indices(x, size, window.strides, window.padding));
  const Tensor dx = at::max_pool2d_with_indices_backward(planes(in[2]), x, size, window.strides, window.padding, {1, 1},
                                                         false, places);
  return {narrowed(images(dx), in[0].sizes(), window)};
}

namespace {

// Margins do not count: sums, divided by how many of the window's places are inside.
Tensor sumsOf(const Tensor& x, const Pool& pool) {
  return at::avg_pool2d(planes(widened(x, pool.window)), pool.size, pool.window.strides, pool.window.padding, false, true, 1);
}
Tensor placesInside(IntArrayRef shape, const Pool& pool, const at::TensorOptions& options) {
  return sumsOf(at::ones({1, shape[1], shape[2], 1}, options), pool);
}

}  // namespace

Tensors averagePool(const Tensors& in, const Attributes& with) {
  const Pool pool = poolOf(with, in[0].sizes());
  return {images(sumsOf(in[0], pool) / placesInside(in[0].sizes(), pool, in[0].options()))};
}
Tensors averagePoolGradient(const Tensors& in, const Attributes& with) {
  const Ints shape = intsIn(in[0]);
  const Pool pool = poolOf(with, shape);
  const Tensor dsums = planes(in[1]) / placesInside(shape, pool, in[1].options());
  const Tensor x = planes(at::empty(widenedShape(shape, pool.window), in[1].options()));
  const Tensor dx = at::avg_pool2d_backward(dsums, x, pool.size, pool.window.strides, pool.window.padding, false, true, 1);
  return {narrowed(images(dx), shape, pool.window)};
}

// ---- Batch normalisation

Tensors normalisedByGiven(const Tensors& in, const Attributes& with) {
  const double epsilon = attribute<double>(with, "epsilon", 1e-3);
  const Tensor y = at::batch_norm(planes(in[0]), in[1], in[2], in[3], in[4], false, 0, epsilon, false);
  return {images(y), in[3], in[4], in[3], in[4]};
}

// Outputs: y, the moved mean and variance, then what the gradient needs: mean and (biased) variance of the batch, as every engine gives
// them; PyTorch itself passes on the inverse deviation.
Tensors normalised(const Tensors& in, const Attributes& with) {
  const double epsilon = attribute<double>(with, "epsilon", 1e-3);
  const double share = attribute<double>(with, "exponential_avg_factor", 1.0);
  const Tensor mean = in[3].clone(), variance = in[4].clone();
  const auto [y, m, inverse] = at::native_batch_norm(planes(in[0]), in[1], in[2], mean, variance, true, share, epsilon);
  return {images(y), mean, variance, m, inverse.pow(-2).sub_(epsilon), at::empty({0}, in[0].options())};
}
Tensors normalisedGradient(const Tensors& in, const Attributes& with) {
  const double epsilon = attribute<double>(with, "epsilon", 1e-3);
  const Tensor inverse = in[4].add(epsilon).rsqrt_();
  const auto [dx, dgamma, dbeta] = at::native_batch_norm_backward(planes(in[0]), planes(in[1]), in[2], {}, {}, in[3],
                                                                  inverse, true, epsilon, {true, true, true});
  const Tensor none = at::empty({0}, in[0].options());
  return {images(dx), dgamma, dbeta, none, none};
}

// ---- Resizing

namespace {

// Row i has the weights of the `from` places of which place i of `to` is a mean. Computed where the images are: a step that is
// captured must not copy from the CPU.
Tensor weightsOf(int64_t from, int64_t to, bool corners, bool halves, const at::TensorOptions& options) {
  const float scale = corners && to > 1 ? float(from - 1) / float(to - 1) : float(from) / float(to);
  const Tensor rows = at::arange(to, options).unsqueeze(1), columns = at::arange(from, options);
  const Tensor place = (halves ? (rows + 0.5) * scale - 0.5 : rows * scale).clamp_min(0);
  const Tensor low = place.floor().clamp_max(from - 1), high = (low + 1).clamp_max(from - 1);
  const Tensor share = (place - low).clamp_max(1);
  return (columns == low) * (1 - share) + (columns == high) * share;
}

Tensor resized(const Tensor& x, const Tensor& rows, const Tensor& columns) {
  const Tensor tall = at::einsum("ih,nhwc->niwc", {rows, x});
  return at::einsum("jw,niwc->nijc", {columns, tall}).contiguous();
}

}  // namespace

Tensors resize(const Tensors& in, const Attributes& with) {
  const bool corners = attribute<bool>(with, "align_corners", false), halves = attribute<bool>(with, "half_pixel_centers", false);
  const Ints size = intsIn(in[1]);
  const Tensor x = in[0].to(at::kFloat);
  return {resized(x, weightsOf(x.size(1), size[0], corners, halves, x.options()),
                  weightsOf(x.size(2), size[1], corners, halves, x.options()))};
}
Tensors resizeGradient(const Tensors& in, const Attributes& with) {
  const bool corners = attribute<bool>(with, "align_corners", false), halves = attribute<bool>(with, "half_pixel_centers", false);
  const Tensor rows = weightsOf(in[1].size(1), in[0].size(1), corners, halves, in[0].options());
  const Tensor columns = weightsOf(in[1].size(2), in[0].size(2), corners, halves, in[0].options());
  return {resized(in[0], rows.t(), columns.t())};
}

void setPrecision(Precision asked) {
  precision = asked;
  const bool tf32 = asked == Precision::tf32;
  at::globalContext().setAllowTF32CuBLAS(tf32);
  at::globalContext().setAllowTF32CuDNN(tf32);
}

}  // namespace pipeline
