#include "program.h"
#include <algorithm>
#include <map>
#include <set>
#ifdef PIPELINE_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace pipeline {

struct Program::Planned {
  Operation operation;
  bool overwrites;
  // Places of tensors that nothing reads after this step.
  std::vector<size_t> last;
};

Program::Program(Recording given, at::Device device) : recording(std::move(given)) {
  placeConstants(device);
  for (const Step& step : recording.steps) planned.push_back({operationNamed(step.name), overwrites(step.name), {}});
  for (size_t i = 0; i < recording.given.size(); i++) givenAt[recording.given[i]] = i;
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
    if (!kept[place]) planned[step].last.push_back(place);
}

// Each constant lies where it is read, so that no step copies it there. What is read on the CPU and is no constant has to be waited
// for, and what is made on the CPU has to be copied.
void Program::placeConstants(at::Device device) {
  std::map<size_t, at::Tensor> values(recording.constants.begin(), recording.constants.end());
  std::map<size_t, size_t> onHost;
  for (Step& step : recording.steps) {
    if (makesOnHost(step.name)) capturable = false;
    for (size_t i = 0; i < step.inputs.size(); i++) {
      if (!readsOnHost(step.name, i, step.inputs.size())) continue;
      const auto value = values.find(step.inputs[i]);
      if (value == values.end()) {
        capturable = false;
        continue;
      }
      const auto [copy, isNew] = onHost.emplace(value->first, recording.places);
      if (isNew) recording.constants.emplace_back(recording.places++, value->second.to(at::kCPU));
      step.inputs[i] = copy->second;
    }
  }
  for (auto& [place, value] : recording.constants)
    if (values.count(place) > 0) value = value.to(device);
}

Tensors Program::compute(const Tensors& given, const std::vector<bool>& free) const {
  Tensors tensors(recording.places);
  for (size_t i = 0; i < given.size(); i++) tensors[recording.given[i]] = given[i];
  for (const auto& [place, value] : recording.constants) tensors[place] = value;
  // Holders besides the list of inputs: of what is given, the caller's two.
  const auto isOurs = [&](const at::Tensor& tensor, size_t place) {
    const auto found = givenAt.find(place);
    if (found != givenAt.end() && !free[found->second]) return false;
    return tensor.use_count() == (found == givenAt.end() ? 1 : 3) && tensor.storage().use_count() == 1;
  };
  Tensors inputs;
  for (size_t i = 0; i < recording.steps.size(); i++) {
    const Step& step = recording.steps[i];
    for (const size_t place : step.inputs) inputs.push_back(tensors[place]);
    for (const size_t place : planned[i].last) tensors[place].reset();
    if (planned[i].overwrites)
      for (size_t k = 0; k < step.outputs.size(); k++)
        if (!isOurs(inputs[k], step.inputs[k])) inputs[k] = inputs[k].clone();
    Tensors outputs = planned[i].operation(inputs, step.attributes);
    inputs.clear();
    for (size_t k = 0; k < step.outputs.size(); k++) tensors[step.outputs[k]] = std::move(outputs[k]);
    for (const size_t place : planned[i].last) tensors[place].reset();
  }
  Tensors results;
  for (const size_t place : recording.results) results.push_back(tensors[place]);
  return results;
}

#ifdef PIPELINE_CUDA

// The graph reads and writes always the same memory. What is given is copied there before it runs, but for variables, which stay there
// from step to step: what they become is computed there, and is what JavaScript then gives again. All but the capture is queued on one
// stream, that on which eager operations run, so that nothing there has to wait for another; no kernel here draws random numbers.
struct Program::Capture {
  std::unique_ptr<at::cuda::CUDAGraph> graph = std::make_unique<at::cuda::CUDAGraph>();
  c10::MempoolId_t pool = at::cuda::graph_pool_handle();
  Tensors given, results;
  // Of each result, whether a variable becomes it.
  std::vector<bool> moved;
  // Of the last two runs: who gives batches may be ahead of the GPU by no more.
  at::cuda::CUDAEvent done[2];
  int turn = 0;
};

// Puts an end to a capture that has failed: a stream that stays in one makes everything fail that waits for the GPU, and an allocator
// that stays in one gives back no memory when it is short. `ended`: whether its own end has failed.
void Program::abandon(Capture& failed, bool ended) {
  const auto attempt = [](const auto& act) {
    try {
      act();
      return true;
    } catch (const c10::Error&) {
      return false;
    }
  };
  at::cuda::CUDAGraph& graph = *failed.graph;
  if (!ended) attempt([&] { graph.capture_end(); });
  if (attempt([&] { graph.pool(); })) return;  // it has ended, and gives its memory back itself
  const c10::DeviceIndex device = c10::cuda::current_device();
  attempt([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(device, failed.pool); });
  attempt([&] { c10::cuda::CUDACachingAllocator::releasePool(device, failed.pool); });
  // PyTorch may still ask it whether a stream is captured.
  static_cast<void>(failed.graph.release());
}

bool Program::capture(const Tensors& given) {
  auto fresh = std::make_unique<Capture>();
  try {
    for (const at::Tensor& tensor : given) fresh->given.push_back(tensor.clone());
    const Tensors held = fresh->given;  // the second holder, as `compute` counts them
    const std::vector<bool> free(given.size(), true);
    const c10::cuda::CUDAStream side = c10::cuda::getStreamFromPool();
    at::cuda::getCurrentCUDAStream().synchronize();
    const c10::cuda::CUDAStreamGuard guard(side);
    for (int i = 0; i < 3; i++) compute(fresh->given, free);  // libraries choose their algorithms and take their memory
    side.synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();  // a capture has memory of its own, and cannot take back what is kept for others
    bool ended = false;
    try {
      fresh->graph->capture_begin(fresh->pool);
      fresh->results = compute(fresh->given, free);
      fresh->moved.resize(fresh->results.size(), false);
      // What a variable was may be a result, or what another becomes: kept from what is written now.
      const std::set<std::pair<size_t, size_t>> own(recording.moves.begin(), recording.moves.end());
      for (size_t to = 0; to < fresh->results.size(); to++)
        for (size_t from = 0; from < given.size(); from++)
          if (own.count({from, to}) == 0 && fresh->results[to].is_alias_of(fresh->given[from]))
            fresh->results[to] = fresh->results[to].clone();
      for (const auto& [from, to] : recording.moves) {
        at::Tensor &place = fresh->given[from], &result = fresh->results[to];
        if (!result.is_same(place)) place.copy_(result);
        result = place;
        fresh->moved[to] = true;
      }
      ended = true;
      fresh->graph->capture_end();
    } catch (...) {
      abandon(*fresh, ended);
      throw;
    }
  } catch (const std::exception& error) {
    const auto* torch = dynamic_cast<const c10::Error*>(&error);
    TORCH_WARN("a step runs operation by operation, for it cannot be captured as a CUDA graph: ",
               torch ? torch->what_without_backtrace() : error.what());
    return false;
  }
  captured = std::move(fresh);
  return true;
}

// Whether somebody holds what a variable was, whose memory the graph would write to.
bool Program::isHeldElsewhere(const Tensors& given, const std::vector<bool>& free) const {
  for (const auto& [from, to] : recording.moves) {
    const at::Tensor& place = captured->given[from];
    // In the graph twice, and with the caller twice where it is given again.
    const bool again = given[from].is_same(place);
    if (again ? !free[from] || place.use_count() > 4 : place.use_count() > 2) return true;
    if (place.storage().use_count() > 1) return true;
  }
  return false;
}

Tensors Program::run(const Tensors& given, const std::vector<bool>& free) {
  const auto onGpu = [](const at::Tensor& tensor) { return tensor.is_cuda(); };
  if (given.empty() || !capturable || !std::all_of(given.begin(), given.end(), onGpu)) return compute(given, free);
  if (captured && isHeldElsewhere(given, free)) captured.reset();
  if (!captured) capturable = capture(given);
  if (!captured) return compute(given, free);
  at::cuda::CUDAEvent& done = captured->done[captured->turn];
  captured->turn = 1 - captured->turn;
  done.synchronize();
  for (size_t i = 0; i < given.size(); i++)
    if (!given[i].is_same(captured->given[i])) captured->given[i].copy_(given[i], /*non_blocking=*/true);
  captured->graph->replay();
  done.record();
  Tensors results;
  for (size_t i = 0; i < captured->results.size(); i++)
    results.push_back(captured->moved[i] ? captured->results[i] : captured->results[i].clone());
  return results;
}

#else

struct Program::Capture {};

Tensors Program::run(const Tensors& given, const std::vector<bool>& free) { return compute(given, free); }

#endif

Program::~Program() = default;

}  // namespace pipeline
