// A step that was recorded once and is computed by one call from then on.
#pragma once
#include <memory>
#include "operations.h"

namespace pipeline {

struct Step {
  std::string name;
  Attributes attributes;
  // Places of tensors.
  std::vector<size_t> inputs, outputs;
};

struct Recording {
  size_t places = 0;
  // What variables are is given, what they become is a result: `moves` has which of `given` becomes which of `results`.
  std::vector<size_t> given, results;
  std::vector<std::pair<size_t, size_t>> moves;
  std::vector<std::pair<size_t, at::Tensor>> constants;
  std::vector<Step> steps;
};

// Computes a recording again. On an NVIDIA GPU it is captured as one CUDA graph, whose launch costs what one operation's does.
class Program {
 public:
  Program(Recording recording, at::Device device);
  ~Program();

  // The results are new tensors, or tensors that were given. `free`: which of `given`, all held by the caller once here and once in
  // another place, nobody needs afterwards: a variable that moves does so in its own memory.
  Tensors run(const Tensors& given, const std::vector<bool>& free);

  // Whether nothing in it waits for the GPU, as a CUDA graph demands.
  bool isCapturable() const { return capturable; }

 private:
  struct Planned;
  struct Capture;
  void placeConstants(at::Device device);
  Tensors compute(const Tensors& given, const std::vector<bool>& free) const;
  bool capture(const Tensors& given);
  static void abandon(Capture& failed, bool ended);
  bool isHeldElsewhere(const Tensors& given, const std::vector<bool>& free) const;

  Recording recording;
  std::vector<Planned> planned;
  // Of a place, which of `given` it is.
  std::map<size_t, size_t> givenAt;
  bool capturable = true;
  std::unique_ptr<Capture> captured;
};

}  // namespace pipeline
