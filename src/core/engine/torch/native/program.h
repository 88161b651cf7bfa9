// A step that was recorded once and is computed by one call from then on.
#pragma once
#include <memory>
#include "operations.h"

namespace pipeline {

struct Step {
  Operation operation;
  Attributes attributes;
  // Places of tensors.
  std::vector<size_t> inputs, outputs;
  // What nothing reads after this step.
  std::vector<size_t> last;
};

struct Recording {
  size_t places = 0;
  std::vector<size_t> given, results;
  std::vector<std::pair<size_t, at::Tensor>> constants;
  std::vector<Step> steps;
};

// Computes a recording again. On an NVIDIA GPU it is captured as one CUDA graph, whose launch costs what one operation's does.
class Program {
 public:
  explicit Program(Recording recording);
  ~Program();
  // The results are new tensors, or tensors that were given.
  Tensors run(const Tensors& given);

 private:
  Tensors compute(const Tensors& given) const;
  Recording recording;
  struct Capture;
  std::unique_ptr<Capture> capture;
  bool captures = true;
};

}  // namespace pipeline
