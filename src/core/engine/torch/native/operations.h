// What the engine computes: TensorFlow's operations by name, as tfjs's node backend asks for them, on PyTorch's tensors.
#pragma once
#include <ATen/ATen.h>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace pipeline {

using Tensors = std::vector<at::Tensor>;
using Attribute = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>>;
using Attributes = std::map<std::string, Attribute>;
// Inputs and outputs have TensorFlow's order and layout: images (n, h, w, c), filters (h, w, in, out).
using Operation = Tensors (*)(const Tensors& inputs, const Attributes& attributes);

// Throws std::invalid_argument if there is no operation of this name.
Operation operationNamed(const std::string& name);

// Whether the operation reads this one of its inputs in the memory of the CPU: shapes, axes, margins.
bool readsOnHost(const std::string& name, size_t input, size_t inputs);

// Whether what it makes of inputs that lie there lies there, too.
bool makesOnHost(const std::string& name);

// Whether it computes its outputs in the memory of its first inputs, so that who calls it must own them.
bool overwrites(const std::string& name);

// How convolutions and matrix products round; everything else is float32.
enum class Precision { float32, tf32, bf16 };
void setPrecision(Precision precision);

}  // namespace pipeline
