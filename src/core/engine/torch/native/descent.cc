#include "descent.h"
#include "inputs.h"

namespace pipeline {

// Of n tensors, PyTorch launches few kernels on a GPU, and reads each once on a CPU.
Tensors descend(const Tensors& in, const Attributes& with) {
  const size_t n = in.size() / 3;
  const Tensors weights(in.begin(), in.begin() + n), velocities(in.begin() + n, in.begin() + 2 * n);
  const Tensors gradients(in.begin() + 2 * n, in.begin() + 3 * n);
  at::_fused_sgd_(weights, gradients, velocities, attribute<double>(with, "decay", 0), attribute<double>(with, "momentum", 0),
                  in.back(), /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/false);
  return Tensors(in.begin(), in.begin() + 2 * n);
}

}  // namespace pipeline
