#include "program.h"
#include <map>
#ifdef PIPELINE_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace pipeline {

Program::Program(Recording given) : recording(std::move(given)) {
  // A tensor is freed behind the last step that reads it, unless it is a result or not this step's to free.
  std::vector<bool> kept(recording.places, false);
  for (const size_t place : recording.results) kept[place] = true;
  for (const auto& constant : recording.constants) kept[constant.first] = true;
  std::map<size_t, size_t> last;
  for (size_t i = 0; i < recording.steps.size(); i++) {
    for (const size_t place : recording.steps[i].outputs) last[place] = i;  // also of what nobody reads
    for (const size_t place : recording.steps[i].inputs) last[place] = i;
  }
  for (const auto& [place, step] : last)
    if (!kept[place]) recording.steps[step].last.push_back(place);
}

Tensors Program::compute(const Tensors& given) const {
  Tensors tensors(recording.places);
  for (size_t i = 0; i < given.size(); i++) tensors[recording.given[i]] = given[i];
  for (const auto& [place, value] : recording.constants) tensors[place] = value;
  Tensors inputs;
  for (const Step& step : recording.steps) {
    inputs.clear();
    for (const size_t place : step.inputs) inputs.push_back(tensors[place]);
    Tensors outputs = step.operation(inputs, step.attributes);
    for (size_t i = 0; i < step.outputs.size(); i++) tensors[step.outputs[i]] = std::move(outputs[i]);
    for (const size_t place : step.last) tensors[place].reset();
  }
  Tensors results;
  for (const size_t place : recording.results) results.push_back(tensors[place]);
  return results;
}

#ifdef PIPELINE_CUDA

// The graph reads and writes always the same memory: `given` is copied there before it runs, and the results are copied from there.
struct Program::Capture {
  at::cuda::CUDAGraph graph;
  Tensors given, results;
};

Tensors Program::run(const Tensors& given) {
  const bool onGpu = !given.empty() && given[0].is_cuda();
  if (onGpu && captures && !capture) {
    auto fresh = std::make_unique<Capture>();
    for (const at::Tensor& tensor : given) fresh->given.push_back(tensor.clone());
    try {
      const c10::cuda::CUDAStream side = c10::cuda::getStreamFromPool();
      at::cuda::getCurrentCUDAStream().synchronize();
      const c10::cuda::CUDAStreamGuard guard(side);
      for (int i = 0; i < 3; i++) compute(fresh->given);  // libraries choose their algorithms and take their memory
      side.synchronize();
      fresh->graph.capture_begin();
      fresh->results = compute(fresh->given);
      fresh->graph.capture_end();
      capture = std::move(fresh);
    } catch (const c10::Error&) {
      captures = false;  // an operation that waits for the GPU can't be captured
    }
  }
  if (!onGpu || !capture) return compute(given);
  for (size_t i = 0; i < given.size(); i++) capture->given[i].copy_(given[i], /*non_blocking=*/true);
  capture->graph.replay();
  Tensors results;
  for (const at::Tensor& tensor : capture->results) results.push_back(tensor.clone());
  return results;
}

#else

struct Program::Capture {};

Tensors Program::run(const Tensors& given) { return compute(given); }

#endif

Program::~Program() = default;

}  // namespace pipeline
