// What the operations read: attributes, and small inputs.
#pragma once
#include <stdexcept>
#include "operations.h"

namespace pipeline {

using at::Tensor;
using Ints = std::vector<int64_t>;

template <typename T>
T attribute(const Attributes& all, const char* name, T otherwise) {
  const auto found = all.find(name);
  if (found == all.end()) return otherwise;
  if (const T* value = std::get_if<T>(&found->second)) return *value;
  throw std::invalid_argument(std::string("attribute ") + name + " is of another type");
}

inline Ints ints(const Attributes& all, const char* name) { return attribute<Ints>(all, name, {}); }

// Shapes, axes and paddings come as tensors of int32, which stay in the memory of the CPU.
inline Ints intsIn(const Tensor& t) {
  const Tensor values = t.to(at::kCPU, at::kLong).contiguous();
  return Ints(values.data_ptr<int64_t>(), values.data_ptr<int64_t>() + values.numel());
}
inline int64_t intIn(const Tensor& t) { return intsIn(t).at(0); }

// What JavaScript has made lies where it was made; an operation on several tensors computes where the first float32 tensor is.
inline Tensor beside(const Tensor& t, const Tensor& other) { return t.device() == other.device() ? t : t.to(other.device()); }

}  // namespace pipeline
