#include "operations.h"
#include "descent.h"
#include "inputs.h"
#include "windows.h"
#include <algorithm>
#include <functional>
#include <stdexcept>

namespace pipeline {
namespace {

// The axes of a tensor of this rank, none of them negative.
Ints axesIn(const Tensor& axes, int64_t rank) {
  Ints all = intsIn(axes);
  for (auto& axis : all)
    if (axis < 0) axis += rank;
  return all;
}

// ---- Element by element

template <Tensor (*compute)(const Tensor&)>
Tensors unary(const Tensors& in, const Attributes&) {
  return {compute(in[0])};
}

template <Tensor (*compute)(const Tensor&, const Tensor&)>
Tensors binary(const Tensors& in, const Attributes&) {
  const bool first = in[0].device() != at::kCPU || in[1].device() == at::kCPU;
  const Tensor& place = first ? in[0] : in[1];
  return {compute(beside(in[0], place), beside(in[1], place))};
}

Tensor squaredDifference(const Tensor& a, const Tensor& b) { return (a - b).square(); }
Tensor divNoNan(const Tensor& a, const Tensor& b) { return at::where(b == 0, at::zeros_like(b), a / b); }
// Integers are divided as integers; tfjs rounds them down.
Tensor divide(const Tensor& a, const Tensor& b) {
  return at::isIntegralType(a.scalar_type(), true) ? at::floor_divide(a, b) : at::div(a, b);
}
Tensor softplus(const Tensor& x) { return at::softplus(x); }
Tensor relu6(const Tensor& x) { return x.clamp(0, 6); }
Tensor copied(const Tensor& x) { return x.clone(); }
Tensor zerosLike(const Tensor& x) { return at::zeros_like(x); }
Tensor onesLike(const Tensor& x) { return at::ones_like(x); }
Tensor softmaxOfRows(const Tensor& x) { return at::softmax(x, -1); }
Tensor logSoftmaxOfRows(const Tensor& x) { return at::log_softmax(x, -1); }
Tensor remainder(const Tensor& a, const Tensor& b) { return at::remainder(a, b); }
Tensor quotient(const Tensor& a, const Tensor& b) { return at::floor_divide(a, b); }
Tensor power(const Tensor& a, const Tensor& b) { return at::pow(a, b); }
Tensor sum(const Tensor& a, const Tensor& b) { return at::add(a, b); }
Tensor difference(const Tensor& a, const Tensor& b) { return at::sub(a, b); }

Tensors sumOfAll(const Tensors& in, const Attributes&) {
  Tensor total = in[0];
  for (size_t i = 1; i < in.size(); i++) total = total + in[i];
  return {in.size() == 1 ? total.clone() : total};
}

// dy where y > 0.
Tensors reluGradient(const Tensors& in, const Attributes&) { return {at::threshold_backward(in[0], in[1], 0)}; }

Tensors select(const Tensors& in, const Attributes&) {
  Tensor condition = beside(in[0], in[1]);
  // A list of conditions chooses rows.
  if (condition.dim() == 1 && in[1].dim() > 1) {
    Ints shape(in[1].dim(), 1);
    shape[0] = condition.size(0);
    condition = condition.reshape(shape);
  }
  return {at::where(condition.to(at::kBool), in[1], beside(in[2], in[1]))};
}

at::ScalarType typeOf(int64_t number) {
  switch (number) {  // as TensorFlow numbers them
    case 1: return at::kFloat;
    case 2: return at::kDouble;
    case 3: return at::kInt;
    case 4: return at::kByte;
    case 9: return at::kLong;
    case 10: return at::kBool;
    default: throw std::invalid_argument("there are no tensors of type " + std::to_string(number));
  }
}

Tensors cast(const Tensors& in, const Attributes& with) {
  return {in[0].to(typeOf(attribute<int64_t>(with, "DstT", 1)), /*non_blocking=*/false, /*copy=*/true)};
}

// The same bytes: of an element twice as large, or half as large, the last axis tells.
Tensors bitcast(const Tensors& in, const Attributes& with) {
  const at::ScalarType type = typeOf(attribute<int64_t>(with, "type", 1));
  const int64_t from = in[0].element_size(), to = at::elementSize(type);
  if (to > from) return {in[0].contiguous().view(type).squeeze(-1)};
  return {(to < from ? in[0].contiguous().unsqueeze(-1) : in[0].contiguous()).view(type)};
}

// ---- Shapes

Tensors expandDims(const Tensors& in, const Attributes&) { return {in[0].unsqueeze(intIn(in[1]))}; }
Tensors reshape(const Tensors& in, const Attributes&) { return {in[0].reshape(intsIn(in[1]))}; }
Tensors transpose(const Tensors& in, const Attributes&) { return {in[0].permute(intsIn(in[1])).contiguous()}; }

Tensors slice(const Tensors& in, const Attributes&) {
  const Ints begin = intsIn(in[1]), size = intsIn(in[2]);
  Tensor part = in[0];
  for (size_t axis = 0; axis < begin.size(); axis++)
    part = part.narrow(axis, begin[axis], size[axis] < 0 ? part.size(axis) - begin[axis] : size[axis]);
  // A part would keep all of the tensor in memory.
  return {part.numel() == in[0].numel() ? part : part.clone(at::MemoryFormat::Contiguous)};
}

Tensors stridedSlice(const Tensors& in, const Attributes& with) {
  const Ints begin = intsIn(in[1]), end = intsIn(in[2]), strides = intsIn(in[3]);
  const auto mask = [&](const char* name) { return attribute<int64_t>(with, name, 0); };
  if (mask("ellipsis_mask") != 0 || mask("new_axis_mask") != 0)
    throw std::invalid_argument("a strided slice with new axes is not supported");
  Tensor part = in[0];
  Ints shape;
  for (int64_t axis = 0; axis < in[0].dim(); axis++) {
    const int64_t bit = int64_t{1} << axis, length = in[0].size(axis);
    const bool given = axis < static_cast<int64_t>(begin.size());
    const int64_t stride = given ? strides[axis] : 1;
    const auto place = [&](int64_t value) { return value < 0 ? value + length : value; };
    const bool down = stride < 0;
    int64_t from = !given || (mask("begin_mask") & bit) ? (down ? length - 1 : 0) : place(begin[axis]);
    int64_t to = !given || (mask("end_mask") & bit) ? (down ? -1 : length) : place(end[axis]);
    if (given && (mask("shrink_axis_mask") & bit)) {
      part = part.narrow(axis, from, 1);
      continue;
    }
    Tensor chosen;
    if (down) {
      from = std::min(from, length - 1), to = std::max<int64_t>(to, -1);
      chosen = at::arange(from, to, stride, at::TensorOptions().dtype(at::kLong).device(part.device()));
      part = part.index_select(axis, chosen);
    } else {
      part = part.slice(axis, std::clamp<int64_t>(from, 0, length), std::clamp<int64_t>(to, 0, length), stride);
    }
    shape.push_back(part.size(axis));
  }
  return {part.reshape(shape).clone(at::MemoryFormat::Contiguous)};
}

Tensors concat(const Tensors& in, const Attributes&) {
  Tensors parts(in.begin(), in.end() - 1);
  for (auto& part : parts) part = beside(part, parts[0]);
  return {at::cat(parts, intIn(in.back()))};
}

Tensors pack(const Tensors& in, const Attributes& with) {
  return {at::stack(in, attribute<int64_t>(with, "axis", 0))};
}

Tensors unpack(const Tensors& in, const Attributes& with) {
  Tensors parts = at::unbind(in[0], attribute<int64_t>(with, "axis", 0));
  for (auto& part : parts) part = part.clone(at::MemoryFormat::Contiguous);
  return parts;
}

Tensors split(const Tensors& in, const Attributes&) {
  Tensors parts = at::split_with_sizes(in[0], intsIn(in[1]), intIn(in[2]));
  for (auto& part : parts) part = part.clone(at::MemoryFormat::Contiguous);
  return parts;
}

Tensors tile(const Tensors& in, const Attributes&) { return {in[0].repeat(intsIn(in[1]))}; }
Tensors reverse(const Tensors& in, const Attributes&) { return {in[0].flip(axesIn(in[1], in[0].dim()))}; }

// PyTorch counts the sides from the last axis.
Ints sidesOf(const Ints& pairs) {
  Ints sides;
  for (size_t i = pairs.size(); i >= 2; i -= 2) sides.insert(sides.end(), {pairs[i - 2], pairs[i - 1]});
  return sides;
}

Tensors pad(const Tensors& in, const Attributes&) {
  const auto value = in.size() > 2 ? in[2].to(at::kCPU).item() : at::Scalar(0);
  return {at::constant_pad_nd(in[0], sidesOf(intsIn(in[1])), value)};
}

Tensors gather(const Tensors& in, const Attributes& with) {
  if (attribute<int64_t>(with, "batch_dims", 0) != 0) throw std::invalid_argument("gather in batches is not supported");
  const int64_t axis = axesIn(in[2], in[0].dim()).at(0);
  const Tensor indices = beside(in[1], in[0]).to(at::kLong);
  Ints shape(in[0].sizes().begin(), in[0].sizes().begin() + axis);
  shape.insert(shape.end(), indices.sizes().begin(), indices.sizes().end());
  shape.insert(shape.end(), in[0].sizes().begin() + axis + 1, in[0].sizes().end());
  return {in[0].index_select(axis, indices.flatten()).reshape(shape)};
}

Tensors segmentSum(const Tensors& in, const Attributes&) {
  const Tensor places = beside(in[1], in[0]).to(at::kLong);
  const Tensor rows = in[0].reshape([&] {
    Ints shape{places.numel()};
    shape.insert(shape.end(), in[0].sizes().begin() + places.dim(), in[0].sizes().end());
    return shape;
  }());
  Ints shape(rows.sizes().begin(), rows.sizes().end());
  shape[0] = intIn(in[2]);
  return {at::zeros(shape, rows.options()).index_add(0, places.flatten(), rows)};
}

Tensors fill(const Tensors& in, const Attributes&) { return {in[1].expand(intsIn(in[0])).clone(at::MemoryFormat::Contiguous)}; }
Tensors range(const Tensors& in, const Attributes&) {
  return {at::arange(in[0].item(), in[1].item(), in[2].item(), in[0].options())};
}

Tensors oneHot(const Tensors& in, const Attributes&) {
  const Tensor at = in[0].to(at::kLong).unsqueeze(-1);
  const Tensor depth = at::arange(intIn(in[1]), at.options());
  return {at::where(at == depth, beside(in[2], at), beside(in[3], at))};
}

// ---- Sums and orders

template <typename Reduce>
Tensors reduced(const Tensors& in, const Attributes& with, Reduce reduce) {
  const Ints axes = axesIn(in[1], in[0].dim());
  const bool keep = attribute<bool>(with, "keep_dims", false);
  return {axes.empty() ? in[0].clone() : reduce(in[0], axes, keep)};
}

Tensors sumOver(const Tensors& in, const Attributes& with) {
  return reduced(in, with, [](const Tensor& x, const Ints& axes, bool keep) {
    return at::sum(x, axes, keep, x.scalar_type());  // integers stay int32
  });
}
Tensors meanOver(const Tensors& in, const Attributes& with) {
  return reduced(in, with, [](const Tensor& x, const Ints& axes, bool keep) { return at::mean(x, axes, keep); });
}
Tensors maxOver(const Tensors& in, const Attributes& with) {
  return reduced(in, with, [](const Tensor& x, const Ints& axes, bool keep) { return at::amax(x, axes, keep); });
}
Tensors minOver(const Tensors& in, const Attributes& with) {
  return reduced(in, with, [](const Tensor& x, const Ints& axes, bool keep) { return at::amin(x, axes, keep); });
}
Tensors productOver(const Tensors& in, const Attributes& with) {
  return reduced(in, with, [](Tensor x, Ints axes, bool keep) {
    std::sort(axes.begin(), axes.end(), std::greater<>());
    for (const int64_t axis : axes) x = at::prod(x, axis, keep, x.scalar_type());
    return x;
  });
}
Tensors allOver(const Tensors& in, const Attributes& with) {
  return reduced(in, with, [](const Tensor& x, const Ints& axes, bool keep) { return at::all(x, axes, keep); });
}
Tensors anyOver(const Tensors& in, const Attributes& with) {
  return reduced(in, with, [](const Tensor& x, const Ints& axes, bool keep) { return at::any(x, axes, keep); });
}
Tensors largestAt(const Tensors& in, const Attributes&) { return {at::argmax(in[0], intIn(in[1])).to(at::kInt)}; }
Tensors smallestAt(const Tensors& in, const Attributes&) { return {at::argmin(in[0], intIn(in[1])).to(at::kInt)}; }

Tensors topK(const Tensors& in, const Attributes&) {
  const auto [values, indices] = at::topk(in[0], intIn(in[1]), -1, true, true);
  return {values, indices.to(at::kInt)};
}

// In an order that is always the same: on a GPU, PyTorch's own has another from run to run.
Tensor runningSum(Tensor x, int64_t axis) {
  for (int64_t step = 1; step < x.size(axis); step *= 2) {
    const int64_t rest = x.size(axis) - step;
    x = at::cat({x.narrow(axis, 0, step), x.narrow(axis, step, rest) + x.narrow(axis, 0, rest)}, axis);
  }
  return x;
}

Tensors cumulativeSum(const Tensors& in, const Attributes& with) {
  const int64_t axis = axesIn(in[1], in[0].dim()).at(0);
  const bool reversed = attribute<bool>(with, "reverse", false), exclusive = attribute<bool>(with, "exclusive", false);
  const Tensor x = reversed ? in[0].flip({axis}) : in[0];
  const Tensor sums = exclusive ? runningSum(x, axis) - x : runningSum(x, axis);
  return {reversed ? sums.flip({axis}) : sums.is_same(in[0]) ? sums.clone() : sums};
}

const std::map<std::string, Operation>& all() {
  static const std::map<std::string, Operation> operations{
      {"Abs", unary<at::abs>}, {"Ceil", unary<at::ceil>}, {"Cos", unary<at::cos>}, {"Erf", unary<at::erf>},
      {"Exp", unary<at::exp>}, {"Expm1", unary<at::expm1>}, {"Floor", unary<at::floor>}, {"Identity", unary<copied>},
      {"IsFinite", unary<at::isfinite>}, {"IsInf", unary<at::isinf>}, {"IsNan", unary<at::isnan>},
      {"Log", unary<at::log>}, {"Log1p", unary<at::log1p>}, {"LogSoftmax", unary<logSoftmaxOfRows>},
      {"LogicalNot", unary<at::logical_not>}, {"Neg", unary<at::neg>}, {"OnesLike", unary<onesLike>},
      {"Reciprocal", unary<at::reciprocal>}, {"Relu", unary<at::relu>}, {"Relu6", unary<relu6>},
      {"Rint", unary<at::round>}, {"Round", unary<at::round>}, {"Rsqrt", unary<at::rsqrt>},
      {"Sigmoid", unary<at::sigmoid>}, {"Sign", unary<at::sign>}, {"Sin", unary<at::sin>},
      {"Softmax", unary<softmaxOfRows>}, {"Softplus", unary<softplus>}, {"Sqrt", unary<at::sqrt>},
      {"Square", unary<at::square>}, {"Tanh", unary<at::tanh>}, {"ZerosLike", unary<zerosLike>},
      {"Add", binary<sum>}, {"AddV2", binary<sum>}, {"Div", binary<divide>}, {"DivNoNan", binary<divNoNan>},
      {"Equal", binary<at::eq>}, {"FloorDiv", binary<quotient>}, {"FloorMod", binary<remainder>},
      {"Greater", binary<at::gt>}, {"GreaterEqual", binary<at::ge>}, {"Less", binary<at::lt>},
      {"LessEqual", binary<at::le>}, {"LogicalAnd", binary<at::logical_and>}, {"LogicalOr", binary<at::logical_or>},
      {"Maximum", binary<at::maximum>}, {"Minimum", binary<at::minimum>}, {"Mul", binary<at::mul>},
      {"NotEqual", binary<at::ne>}, {"Pow", binary<power>}, {"RealDiv", binary<divide>},
      {"SquaredDifference", binary<squaredDifference>}, {"Sub", binary<difference>},
      {"AddN", sumOfAll}, {"ReluGrad", reluGradient}, {"Select", select}, {"SelectV2", select}, {"Cast", cast},
      {"Bitcast", bitcast}, {"ExpandDims", expandDims}, {"Reshape", reshape}, {"Transpose", transpose}, {"Slice", slice}, {"StridedSlice", stridedSlice},
      {"ConcatV2", concat}, {"Pack", pack}, {"Unpack", unpack}, {"SplitV", split}, {"Tile", tile},
      {"ReverseV2", reverse}, {"PadV2", pad}, {"GatherV2", gather}, {"UnsortedSegmentSum", segmentSum},
      {"Fill", fill}, {"Range", range}, {"OneHot", oneHot},
      {"Sum", sumOver}, {"Mean", meanOver}, {"Max", maxOver}, {"Min", minOver}, {"Prod", productOver},
      {"All", allOver}, {"Any", anyOver}, {"ArgMax", largestAt}, {"ArgMin", smallestAt}, {"TopKV2", topK},
      {"Cumsum", cumulativeSum}, {"BatchMatMulV2", product}, {"MatMul", flatProduct},
      {"Conv2D", convolution}, {"Conv2DBackpropInput", convolutionToInput},
      {"Conv2DBackpropFilter", convolutionToFilter}, {"DepthwiseConv2dNative", depthwise},
      {"DepthwiseConv2dNativeBackpropInput", depthwiseToInput},
      {"DepthwiseConv2dNativeBackpropFilter", depthwiseToFilter},
      {"MaxPool", maxPool}, {"MaxPoolGrad", maxPoolGradient}, {"AvgPool", averagePool},
      {"AvgPoolGrad", averagePoolGradient}, {"FusedBatchNorm", normalisedByGiven},
      {"FusedBatchNormV3", normalised}, {"FusedBatchNormGradV3", normalisedGradient},
      {"ResizeBilinear", resize}, {"ResizeBilinearGrad", resizeGradient}, {DESCENT, descend},
  };
  return operations;
}

}  // namespace

Operation operationNamed(const std::string& name) {
  const auto found = all().find(name);
  if (found == all().end()) throw std::invalid_argument("the engine torch has no operation " + name);
  return found->second;
}

bool readsOnHost(const std::string& name, size_t input, size_t inputs) {
  if (name == "ConcatV2") return input == inputs - 1;
  static const std::map<std::string, size_t> from{
      // The first of the inputs that are read there; the others stand behind it.
      {"ExpandDims", 1}, {"Reshape", 1}, {"Transpose", 1}, {"Slice", 1}, {"StridedSlice", 1}, {"SplitV", 1},
      {"Tile", 1}, {"ReverseV2", 1}, {"PadV2", 1}, {"GatherV2", 2}, {"UnsortedSegmentSum", 2}, {"Range", 0},
      {"Sum", 1}, {"Mean", 1}, {"Max", 1}, {"Min", 1}, {"Prod", 1}, {"All", 1}, {"Any", 1}, {"ArgMax", 1},
      {"ArgMin", 1}, {"TopKV2", 1}, {"Cumsum", 1}, {"ResizeBilinear", 1}};
  static const std::map<std::string, size_t> only{
      {"Fill", 0}, {"OneHot", 1}, {"Conv2DBackpropInput", 0}, {"Conv2DBackpropFilter", 1}, {"DepthwiseConv2dNativeBackpropInput", 0},
      {"DepthwiseConv2dNativeBackpropFilter", 1}, {"AvgPoolGrad", 0}};
  const auto first = from.find(name), one = only.find(name);
  return (first != from.end() && input >= first->second) || (one != only.end() && input == one->second);
}

bool makesOnHost(const std::string& name) { return name == "Range"; }

bool overwrites(const std::string& name) { return name == DESCENT; }

}  // namespace pipeline
