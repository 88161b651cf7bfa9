// A step of gradient descent over all weights at once.
#pragma once
#include "operations.h"

namespace pipeline {

constexpr const char* DESCENT = "SgdStep";

// Inputs: n weights, n velocities, n gradients, the rate. Outputs: the moved weights and velocities, in the memory of the first 2 n.
Tensors descend(const Tensors& inputs, const Attributes& attributes);

}  // namespace pipeline
