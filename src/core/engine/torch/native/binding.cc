// What JavaScript calls: tensors by number, one operation, a recorded step. The interface is that of tfjs-node's own binding, so that
// its backend in JavaScript serves this engine, too.
#include <node_api.h>
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <torch/version.h>
#include <cstdlib>
#include <functional>
#include <unordered_map>
#include "program.h"
#ifdef PIPELINE_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace pipeline {
namespace {

// As TensorFlow numbers them.
enum Type { FLOAT = 1, DOUBLE = 2, INT32 = 3, UINT8 = 4, STRING = 7, COMPLEX64 = 8, INT64 = 9, BOOL = 10, RESOURCE = 20 };
enum Kind { TEXT = 0, INT = 1, NUMBER = 2, TRUTH = 3, TYPE = 4, SHAPE = 5 };

at::Device device = at::kCPU;
std::unordered_map<int64_t, at::Tensor> tensors;
std::unordered_map<int64_t, std::unique_ptr<Program>> programs;
int64_t numbers = 0;

// ---- Values of JavaScript

void check(napi_env, napi_status status) {
  if (status != napi_ok) throw std::invalid_argument("an argument is of another type");
}

napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value;
  check(env, napi_get_named_property(env, object, name, &value));
  return value;
}

int64_t integer(napi_env env, napi_value value) {
  int64_t number;
  check(env, napi_get_value_int64(env, value, &number));
  return number;
}

bool truth(napi_env env, napi_value value) {
  bool result;
  check(env, napi_get_value_bool(env, value, &result));
  return result;
}

std::string text(napi_env env, napi_value value) {
  size_t length;
  check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length));
  std::string result(length, '\0');
  check(env, napi_get_value_string_utf8(env, value, result.data(), length + 1, &length));
  return result;
}

std::vector<napi_value> items(napi_env env, napi_value list) {
  uint32_t length;
  check(env, napi_get_array_length(env, list, &length));
  std::vector<napi_value> values(length);
  for (uint32_t i = 0; i < length; i++) check(env, napi_get_element(env, list, i, &values[i]));
  return values;
}

template <typename T = int64_t>
std::vector<T> integers(napi_env env, napi_value list) {
  std::vector<T> numbers;
  for (napi_value item : items(env, list)) numbers.push_back(static_cast<T>(integer(env, item)));
  return numbers;
}

bool isList(napi_env env, napi_value value) {
  bool answer;
  check(env, napi_is_array(env, value, &answer));
  return answer;
}

Attributes attributes(napi_env env, napi_value list) {
  Attributes all;
  for (napi_value one : items(env, list)) {
    const std::string name = text(env, property(env, one, "name"));
    const napi_value value = property(env, one, "value");
    switch (integer(env, property(env, one, "type"))) {
      case TEXT: all[name] = text(env, value); break;
      case NUMBER: {
        double number;
        check(env, napi_get_value_double(env, value, &number));
        all[name] = number;
        break;
      }
      case TRUTH: all[name] = truth(env, value); break;
      case INT:
      case TYPE:
        if (isList(env, value)) all[name] = integers(env, value);
        else all[name] = integer(env, value);
        break;
      default: break;  // no operation here reads a shape
    }
  }
  return all;
}

napi_value number(napi_env env, int64_t value) {
  napi_value result;
  check(env, napi_create_int64(env, value, &result));
  return result;
}

Type typeNumber(const at::Tensor& t) {
  switch (t.scalar_type()) {
    case at::kFloat: return FLOAT;
    case at::kDouble: return DOUBLE;
    case at::kInt: return INT32;
    case at::kByte: return UINT8;
    case at::kLong: return INT64;
    case at::kBool: return BOOL;
    default: throw std::invalid_argument("a tensor of a type that tfjs does not have");
  }
}

// ---- Tensors by number

const at::Tensor& tensorOf(int64_t id) {
  const auto found = tensors.find(id);
  if (found == tensors.end()) throw std::invalid_argument("there is no tensor " + std::to_string(id));
  return found->second;
}

// The id, the shape and the type, as tfjs takes them.
napi_value handle(napi_env env, at::Tensor tensor) {
  napi_value object, shape;
  check(env, napi_create_object(env, &object));
  check(env, napi_create_array_with_length(env, tensor.dim(), &shape));
  for (int64_t i = 0; i < tensor.dim(); i++) check(env, napi_set_element(env, shape, i, number(env, tensor.size(i))));
  check(env, napi_set_named_property(env, object, "dtype", number(env, typeNumber(tensor))));
  check(env, napi_set_named_property(env, object, "shape", shape));
  const int64_t id = numbers++;
  tensors.emplace(id, std::move(tensor));
  check(env, napi_set_named_property(env, object, "id", number(env, id)));
  return object;
}

napi_value handles(napi_env env, Tensors results) {
  napi_value list;
  check(env, napi_create_array_with_length(env, results.size(), &list));
  for (size_t i = 0; i < results.size(); i++) check(env, napi_set_element(env, list, i, handle(env, std::move(results[i]))));
  return list;
}

Tensors tensorsOf(napi_env env, napi_value ids) {
  Tensors found;
  for (const int64_t id : integers(env, ids)) found.push_back(tensorOf(id));
  return found;
}

using Arguments = std::vector<napi_value>;

// On a GPU by a stream of its own, so that a batch is copied while the step before it is computed. What is computed from now on waits
// for it, and its memory is given to nobody else before that has ended. From pinned memory, which PyTorch keeps until it is copied,
// JavaScript goes on at once.
at::Tensor onDevice(const at::Tensor& tensor, bool pinned) {
#ifdef PIPELINE_CUDA
  if (device.is_cuda()) {
    static const c10::cuda::CUDAStream side = c10::cuda::getStreamFromPool();
    const c10::cuda::CUDAStream computing = c10::cuda::getCurrentCUDAStream();
    at::Tensor copy;
    {
      const c10::cuda::CUDAStreamGuard guard(side);
      copy = tensor.to(device, /*non_blocking=*/pinned);
    }
    at::cuda::CUDAEvent copied;
    copied.record(side);
    copied.block(computing);
    copy.record_stream(computing);
    return copy;
  }
#endif
  return tensor;
}

// shape, type, typed array → id. float32 goes to where is computed; the rest, shapes and axes for the most part, stays here.
napi_value createTensor(napi_env env, const Arguments& given) {
  const std::vector<int64_t> shape = integers(env, given[0]);
  napi_typedarray_type kind;
  size_t length;
  void* data;
  check(env, napi_get_typedarray_info(env, given[2], &kind, &length, &data, nullptr, nullptr));
  const auto typed = [&]() -> std::pair<at::ScalarType, at::ScalarType> {
    const auto source = kind == napi_float32_array ? at::kFloat : kind == napi_int32_array ? at::kInt
                        : kind == napi_uint8_array || kind == napi_uint8_clamped_array     ? at::kByte
                                                                                           : at::ScalarType::Undefined;
    switch (integer(env, given[1])) {
      case FLOAT: return {source, at::kFloat};
      case INT32: return {source, at::kInt};
      case INT64: return {source, at::kLong};
      case BOOL: return {source, at::kBool};
      case UINT8: return {source, at::kByte};
      default: return {at::ScalarType::Undefined, at::kFloat};
    }
  }();
  if (typed.first == at::ScalarType::Undefined) throw std::invalid_argument("tensors of this type are not supported");
  int64_t size = 1;
  for (const int64_t side : shape) size *= side;
  if (size != static_cast<int64_t>(length)) throw std::invalid_argument("the values do not fill the shape");
  const bool pinned = device.is_cuda() && typed.first == at::kFloat && typed.second == at::kFloat;
  at::Tensor tensor = at::empty(shape, at::TensorOptions(typed.first).pinned_memory(pinned));
  if (length > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
  tensor = tensor.to(typed.second);
  const int64_t id = numbers++;
  tensors.emplace(id, typed.second == at::kFloat ? onDevice(tensor, pinned) : tensor);
  return number(env, id);
}

// id → typed array, a copy.
napi_value tensorDataSync(napi_env env, const Arguments& given) {
  at::Tensor tensor = tensorOf(integer(env, given[0])).to(at::kCPU).contiguous();
  if (tensor.scalar_type() == at::kLong) tensor = tensor.to(at::kInt);
  void* data;
  napi_value buffer, values;
  check(env, napi_create_arraybuffer(env, tensor.nbytes(), &data, &buffer));
  if (tensor.nbytes() > 0) std::memcpy(data, tensor.data_ptr(), tensor.nbytes());
  const auto kind = [&] {
    switch (tensor.scalar_type()) {
      case at::kFloat: return napi_float32_array;
      case at::kDouble: return napi_float64_array;
      case at::kInt: return napi_int32_array;
      default: return napi_uint8_array;
    }
  }();
  check(env, napi_create_typedarray(env, kind, tensor.numel(), buffer, 0, &values));
  return values;
}

napi_value deleteTensor(napi_env env, const Arguments& given) {
  tensors.erase(integer(env, given[0]));
  return nullptr;
}

// name, attributes, ids, number of outputs → handles.
napi_value executeOp(napi_env env, const Arguments& given) {
  const Operation operation = operationNamed(text(env, given[0]));
  const auto count = static_cast<size_t>(integer(env, given[3]));
  Tensors inputs = tensorsOf(env, given[2]);
  if (overwrites(text(env, given[0])))
    for (size_t i = 0; i < count; i++) inputs[i] = inputs[i].clone();
  Tensors results = operation(inputs, attributes(env, given[1]));
  results.resize(count);
  return handles(env, std::move(results));
}

// ---- Recorded steps

// {places, given, results, moves: [given, result] …, constants: [place, id] …, steps: {operation, attributes, inputs, outputs} …} → number.
napi_value createProgram(napi_env env, const Arguments& given) {
  const auto places = [&](napi_value object, const char* name) { return integers<size_t>(env, property(env, object, name)); };
  Recording recording;
  recording.places = integer(env, property(env, given[0], "places"));
  recording.given = places(given[0], "given");
  recording.results = places(given[0], "results");
  for (napi_value one : items(env, property(env, given[0], "constants"))) {
    const auto pair = integers(env, one);
    recording.constants.emplace_back(pair.at(0), tensorOf(pair.at(1)));
  }
  for (napi_value one : items(env, property(env, given[0], "moves"))) {
    const auto pair = integers<size_t>(env, one);
    recording.moves.emplace_back(pair.at(0), pair.at(1));
  }
  for (napi_value one : items(env, property(env, given[0], "steps")))
    recording.steps.push_back({text(env, property(env, one, "operation")), attributes(env, property(env, one, "attributes")),
                               places(one, "inputs"), places(one, "outputs")});
  const int64_t id = numbers++;
  programs.emplace(id, std::make_unique<Program>(std::move(recording), device));
  return number(env, id);
}

// number, ids, which of these nobody needs afterwards → handles.
napi_value runProgram(napi_env env, const Arguments& given) {
  std::vector<bool> free;
  for (napi_value one : items(env, given[2])) free.push_back(truth(env, one));
  return handles(env, programs.at(integer(env, given[0]))->run(tensorsOf(env, given[1]), free));
}

napi_value isCapturable(napi_env env, const Arguments& given) {
  napi_value answer;
  check(env, napi_get_boolean(env, programs.at(integer(env, given[0]))->isCapturable(), &answer));
  return answer;
}

napi_value deleteProgram(napi_env env, const Arguments& given) {
  programs.erase(integer(env, given[0]));
  return nullptr;
}

// ---- The library

// {threads, deterministic}: before the first tensor.
napi_value start(napi_env env, const Arguments& given) {
  at::set_num_threads(static_cast<int>(integer(env, property(env, given[0], "threads"))));
  at::globalContext().setUserEnabledNNPACK(false);  // it prints that it does not support some processors
  const bool deterministic = truth(env, property(env, given[0], "deterministic"));
  at::globalContext().setBenchmarkCuDNN(!deterministic);
  at::globalContext().setDeterministicCuDNN(deterministic);
  at::globalContext().setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);  // nothing here reads what it has not written
  // cuBLAS reads it when it starts. Without it, or with another, PyTorch refuses products as not deterministic.
  if (deterministic) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  setPrecision(Precision::float32);
#ifdef PIPELINE_CUDA
  if (at::cuda::is_available()) device = at::Device(at::kCUDA, 0);
#endif
  return nullptr;
}

// "float32", "tf32" or "bf16": of what is computed from now on.
napi_value setPrecisionTo(napi_env env, const Arguments& given) {
  const std::string name = text(env, given[0]);
  setPrecision(name == "tf32" ? Precision::tf32 : name == "bf16" ? Precision::bf16 : Precision::float32);
  return nullptr;
}

napi_value isUsingGpuDevice(napi_env env, const Arguments&) {
  napi_value answer;
  check(env, napi_get_boolean(env, device.is_cuda(), &answer));
  return answer;
}

std::string messageOf(const std::exception& error) {
  if (const auto* memory = dynamic_cast<const c10::OutOfMemoryError*>(&error))
    return std::string("the memory of the GPU is full: a smaller batch or fewer --jobs need less (") + memory->what_without_backtrace() + ")";
  if (const auto* torch = dynamic_cast<const c10::Error*>(&error)) {
    const std::string message = torch->what_without_backtrace();
    // PyTorch has no type for it.
    if (message.find("DefaultCPUAllocator: ") == std::string::npos) return message;
    return "there is not enough memory: a smaller batch or fewer --jobs need less (" + message + ")";
  }
  return error.what();
}

template <napi_value (*function)(napi_env, const Arguments&)>
napi_value called(napi_env env, napi_callback_info info) {
  size_t count = 4;
  Arguments given(count);
  if (napi_get_cb_info(env, info, &count, given.data(), nullptr, nullptr) != napi_ok) return nullptr;
  const c10::InferenceMode guard;  // gradients are tfjs's
  try {
    return function(env, given);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, messageOf(error).c_str());
    return nullptr;
  }
}

template <napi_value (*function)(napi_env, const Arguments&)>
void define(napi_env env, napi_value exports, const char* name) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, called<function>, nullptr, &value) == napi_ok)
    napi_set_named_property(env, exports, name, value);
}

napi_value load(napi_env env, napi_value exports) {
  define<start>(env, exports, "start");
  define<setPrecisionTo>(env, exports, "setPrecision");
  define<isUsingGpuDevice>(env, exports, "isUsingGpuDevice");
  define<createTensor>(env, exports, "createTensor");
  define<tensorDataSync>(env, exports, "tensorDataSync");
  define<deleteTensor>(env, exports, "deleteTensor");
  define<executeOp>(env, exports, "executeOp");
  define<createProgram>(env, exports, "createProgram");
  define<runProgram>(env, exports, "runProgram");
  define<isCapturable>(env, exports, "isCapturable");
  define<deleteProgram>(env, exports, "deleteProgram");
  napi_value version;
  napi_create_string_utf8(env, TORCH_VERSION, NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "TF_Version", version);
  const std::pair<const char*, int> constants[] = {
      {"TF_FLOAT", FLOAT}, {"TF_INT32", INT32}, {"TF_INT64", INT64}, {"TF_BOOL", BOOL},
      {"TF_COMPLEX64", COMPLEX64}, {"TF_STRING", STRING}, {"TF_RESOURCE", RESOURCE}, {"TF_UINT8", UINT8},
      {"TF_ATTR_STRING", TEXT}, {"TF_ATTR_INT", INT}, {"TF_ATTR_FLOAT", NUMBER}, {"TF_ATTR_BOOL", TRUTH},
      {"TF_ATTR_TYPE", TYPE}, {"TF_ATTR_SHAPE", SHAPE}};
  for (const auto& [name, value] : constants) napi_set_named_property(env, exports, name, number(env, value));
  return exports;
}

}  // namespace
}  // namespace pipeline

NAPI_MODULE(NODE_GYP_MODULE_NAME, pipeline::load)
