// The one native file of GenoSeq: a C interface to libtorch, for libtorch 1.13 and every 2.x.
// It is one file by decision, whatever its length: one thing to compile where a libtorch is (docs/binding.md).
//
// Operators are not wrapped one by one. gs_op_call calls any operator of the dispatcher by schema, boxed, with trailing
// arguments filled in from the schema's defaults; the rest of this file is what the dispatcher does not offer: tensor
// lifetime, autograd, grad modes, random state, threads, CUDA, and process groups.
//
// Conventions. Every function that can fail returns a status (gs_status) and leaves its message in gs_last_error() of
// the calling thread. Tensors cross as `at::Tensor*`; whoever receives one from an out parameter owns it and frees it
// with gs_tensor_free. Nothing here keeps a pointer that it was given, unless said so.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/Generator.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/functions/basic_ops.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/csrc/api/include/torch/version.h>

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#ifdef GENOSEQ_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

#if defined(USE_C10D_GLOO) || defined(USE_C10D_NCCL)
#define GENOSEQ_C10D
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/Work.hpp>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
using Group = c10d::Backend;
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
using Group = c10d::ProcessGroup;
#endif
#endif

#define GS_API extern "C" __attribute__((visibility("default")))

namespace {

enum gs_status : int32_t { kOk = 0, kError = 1, kOutOfMemory = 2, kManaged = 3, kUnavailable = 4 };

thread_local std::string t_error;
thread_local int64_t t_managed_error = 0;

// An exception raised by a managed callback, on its way through libtorch back to managed code.
struct ManagedError : std::runtime_error {
  explicit ManagedError(int64_t token) : std::runtime_error("an exception was raised in managed code"), id(token) {}
  int64_t id;
};

struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int32_t fail(int32_t status, std::string message) {
  t_error = std::move(message);
  return status;
}

int32_t classify(const std::string& message) {
  const bool memory = message.find("out of memory") != std::string::npos ||
                      message.find("can't allocate memory") != std::string::npos;
  return fail(memory ? kOutOfMemory : kError, message);
}

template <class Body>
int32_t guarded(Body&& body) {
  try {
    body();
    return kOk;
  } catch (const ManagedError& e) {
    t_managed_error = e.id;
    return fail(kManaged, e.what());
  } catch (const Unavailable& e) {
    return fail(kUnavailable, e.what());
  } catch (const c10::Error& e) {
    return classify(e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return fail(kOutOfMemory, "out of memory");
  } catch (const std::exception& e) {
    return classify(e.what());
  } catch (...) {
    return fail(kError, "unknown native exception");
  }
}

at::Tensor* give(at::Tensor t) { return t.defined() ? new at::Tensor(std::move(t)) : nullptr; }

c10::Device make_device(int32_t type, int32_t index) {
  return c10::Device(static_cast<c10::DeviceType>(type), static_cast<c10::DeviceIndex>(index));
}

}  // namespace

// ---------------------------------------------------------------------------------------------------- values, operators

enum gs_tag : int32_t {
  kNone, kTensor, kInt, kDouble, kBool, kString, kIntList, kDoubleList, kTensorList, kOptTensorList, kDefault, kDevice,
  kBoolList
};

struct gs_value {
  int32_t tag;
  int32_t len;  // elements of a list, bytes of a string; device: the index
  union {
    int64_t i;
    double d;
    void* p;
  };
};

GS_API const char* gs_last_error() { return t_error.c_str(); }
GS_API int64_t gs_last_managed_error() { return std::exchange(t_managed_error, 0); }
GS_API const char* gs_torch_version() { return TORCH_VERSION; }
GS_API void gs_free(void* p) { std::free(p); }

namespace {

// A kernel that is handed a value of the wrong kind says "internal assert failed, please report a bug"; this says which
// argument was wrong. Only the kinds that are mixed up in practice are told apart: the kernel checks the rest.
void expect(bool good, const c10::Argument& arg, const char* given) {
  TORCH_CHECK(good, "argument '", arg.name(), "' is of type ", arg.type()->str(), " and was given ", given);
}

c10::IValue to_ivalue(const gs_value& v, const c10::Argument& arg) {
  using Kind = c10::TypeKind;
  const bool optional = arg.type()->kind() == Kind::OptionalType;
  const c10::Type& type = optional ? *arg.type()->castRaw<c10::OptionalType>()->getElementType() : *arg.type();
  const auto kind = type.kind();
  const auto element = kind == Kind::ListType ? type.castRaw<c10::ListType>()->getElementType()->kind() : kind;
  switch (v.tag) {
    case kNone:
      expect(optional || kind == Kind::TensorType, arg, "nothing");
      return optional ? c10::IValue() : c10::IValue(at::Tensor());
    case kTensor:
      expect(kind == Kind::TensorType, arg, "a tensor");
      return *static_cast<at::Tensor*>(v.p);
    case kInt:
      expect(kind != Kind::TensorType && kind != Kind::ListType && kind != Kind::StringType && kind != Kind::BoolType, arg,
             "an integer");
      return kind == Kind::FloatType ? c10::IValue(static_cast<double>(v.i)) : c10::IValue(v.i);
    case kDouble:
      expect(kind == Kind::FloatType || kind == Kind::NumberType, arg, "a floating-point number");
      return v.d;
    case kBool:
      expect(kind == Kind::BoolType || kind == Kind::NumberType, arg, "a truth value");
      return v.i != 0;
    case kString:
      expect(kind == Kind::StringType, arg, "a string");
      return std::string(static_cast<const char*>(v.p), static_cast<size_t>(v.len));
    case kIntList: {
      expect(kind == Kind::ListType && element != Kind::TensorType && element != Kind::BoolType, arg, "a list of integers");
      const auto* p = static_cast<const int64_t*>(v.p);
      if (element == Kind::FloatType) return std::vector<double>(p, p + v.len);
      return std::vector<int64_t>(p, p + v.len);
    }
    case kDoubleList: {
      expect(kind == Kind::ListType && element == Kind::FloatType, arg, "a list of floating-point numbers");
      const auto* p = static_cast<const double*>(v.p);
      return std::vector<double>(p, p + v.len);
    }
    case kTensorList:
      expect(kind == Kind::ListType && (element == Kind::TensorType || element == Kind::OptionalType), arg,
             "a list of tensors");
      if (element == Kind::TensorType) {
        auto* const* p = static_cast<at::Tensor* const*>(v.p);
        c10::List<at::Tensor> list;
        list.reserve(static_cast<size_t>(v.len));
        for (int32_t k = 0; k < v.len; ++k) {
          TORCH_CHECK(p[k], "argument '", arg.name(), "': tensor ", k, " of the list is absent");
          list.push_back(*p[k]);
        }
        return list;
      }
      [[fallthrough]];
    case kOptTensorList: {
      auto* const* p = static_cast<at::Tensor* const*>(v.p);
      expect(kind == Kind::ListType && element == Kind::OptionalType, arg, "a list of tensors or none");
      c10::List<c10::optional<at::Tensor>> list;
      list.reserve(static_cast<size_t>(v.len));
      for (int32_t k = 0; k < v.len; ++k) {
        list.push_back(p[k] ? c10::optional<at::Tensor>(*p[k]) : c10::optional<at::Tensor>());
      }
      return list;
    }
    case kBoolList: {
      expect(kind == Kind::ListType && element == Kind::BoolType, arg, "a list of truth values");
      const auto* p = static_cast<const int64_t*>(v.p);
      c10::List<bool> list;
      for (int32_t k = 0; k < v.len; ++k) list.push_back(p[k] != 0);
      return list;
    }
    case kDevice: return make_device(static_cast<int32_t>(v.i), v.len);
    default: TORCH_CHECK(false, "argument '", arg.name(), "' has a tag this file does not know: ", v.tag);
  }
}

gs_value from_ivalue(c10::IValue&& v) {
  gs_value r{};
  if (v.isTensor()) {
    r.p = give(std::move(v).toTensor());
    r.tag = r.p ? kTensor : kNone;
  } else if (v.isNone()) {
    r.tag = kNone;
  } else if (v.isInt()) {
    r.tag = kInt;
    r.i = v.toInt();
  } else if (v.isDouble()) {
    r.tag = kDouble;
    r.d = v.toDouble();
  } else if (v.isBool()) {
    r.tag = kBool;
    r.i = v.toBool();
  } else if (v.isTensorList()) {
    auto list = v.toTensorVector();
    auto** p = static_cast<at::Tensor**>(std::malloc(sizeof(at::Tensor*) * (list.size() + 1)));
    if (!p) throw std::bad_alloc();
    for (size_t k = 0; k < list.size(); ++k) p[k] = give(std::move(list[k]));
    r.tag = kTensorList;
    r.len = static_cast<int32_t>(list.size());
    r.p = p;
  } else {
    TORCH_CHECK(false, "the operator returned a value of a kind this file does not carry: ", v.tagKind());
  }
  return r;
}

void discard(gs_value& v) {
  if (v.tag == kTensor) delete static_cast<at::Tensor*>(v.p);
  if (v.tag == kTensorList) {
    auto** p = static_cast<at::Tensor**>(v.p);
    for (int32_t k = 0; k < v.len; ++k) delete p[k];
    std::free(p);
  }
  v = gs_value{};
}

}  // namespace

// Frees what results hold: for a caller that has no use for them.
GS_API void gs_results_free(gs_value* results, int32_t n) {
  for (int32_t k = 0; k < n; ++k) discard(results[k]);
}

// Finds an operator by name ("aten::add") and overload ("Tensor", or "" for none). The handle lives for ever.
GS_API int32_t gs_op_find(const char* name, const char* overload, void** out) {
  return guarded([&] {
    auto op = c10::Dispatcher::singleton().findSchema({name, overload});
    if (!op) {
      throw Unavailable(std::string("this libtorch (") + TORCH_VERSION + ") has no operator " + name +
                        (*overload ? "." + std::string(overload) : std::string()));
    }
    *out = new c10::OperatorHandle(*op);
  });
}

// Calls an operator. `nargs` may be less than the schema's: the rest, and every argument tagged kDefault, takes the
// schema's default. `results` has room for `*nresults` values; on return `*nresults` says how many there are.
GS_API int32_t gs_op_call(void* handle, const gs_value* args, int32_t nargs, gs_value* results, int32_t* nresults) {
  return guarded([&] {
    const auto& op = *static_cast<c10::OperatorHandle*>(handle);
    const auto& params = op.schema().arguments();
    TORCH_CHECK(static_cast<size_t>(nargs) <= params.size(), "the operator takes ", params.size(),
                " arguments and was given ", nargs);
    torch::jit::Stack stack;
    stack.reserve(params.size());
    for (size_t k = 0; k < params.size(); ++k) {
      if (k < static_cast<size_t>(nargs) && args[k].tag != kDefault) {
        stack.push_back(to_ivalue(args[k], params[k]));
      } else {
        TORCH_CHECK(params[k].default_value().has_value(), "argument '", params[k].name(), "' has no default");
        stack.push_back(*params[k].default_value());
      }
    }
    op.callBoxed(stack);
    TORCH_CHECK(static_cast<int32_t>(stack.size()) <= *nresults, "the operator returned ", stack.size(), " values");
    *nresults = static_cast<int32_t>(stack.size());
    for (size_t k = 0; k < stack.size(); ++k) {
      try {
        results[k] = from_ivalue(std::move(stack[k]));
      } catch (...) {
        gs_results_free(results, static_cast<int32_t>(k));
        throw;
      }
    }
  });
}

// --------------------------------------------------------------------------------------------------------------- tensors

struct gs_info {
  int64_t numel;
  int64_t offset;  // of the first element, in elements
  void* data;
  const int64_t* sizes;    // valid while the tensor lives and is not resized
  const int64_t* strides;  // likewise
  int32_t dim;
  int32_t dtype;
  int32_t device_type;
  int32_t device_index;
  int32_t requires_grad;
  int32_t is_leaf;
  int32_t is_contiguous;
  int32_t version;
};

GS_API void gs_tensor_free(at::Tensor* t) { delete t; }
GS_API at::Tensor* gs_tensor_alias(const at::Tensor* t) { return new at::Tensor(*t); }

GS_API int32_t gs_tensor_info(const at::Tensor* t, gs_info* info) {
  return guarded([&] {
    info->numel = t->numel();
    info->offset = t->storage_offset();
    info->data = t->data_ptr();
    info->sizes = t->sizes().data();
    info->strides = t->strides().data();
    info->dim = static_cast<int32_t>(t->dim());
    info->dtype = static_cast<int32_t>(t->scalar_type());
    info->device_type = static_cast<int32_t>(t->device().type());
    info->device_index = t->device().index();
    info->requires_grad = t->requires_grad();
    info->is_leaf = t->is_leaf();
    info->is_contiguous = t->is_contiguous();
    info->version = t->is_inference() ? -1 : static_cast<int32_t>(t->_version());
  });
}

// A tensor over memory that the caller keeps alive until `deleter(context)` is called (null: for ever). The deleter is
// called exactly once, also when this fails and when there is no memory (a shape without elements).
GS_API int32_t gs_tensor_from_blob(void* data, const int64_t* sizes, int32_t dim, int32_t dtype,
                                   void (*deleter)(void*), void* context, at::Tensor** out) {
  return guarded([&] {
    std::shared_ptr<void> keep;
    if (deleter) keep.reset(context, deleter);
    // An unknown type would end the process: libtorch's conversion is noexcept.
    TORCH_CHECK(dtype >= 0 && dtype < static_cast<int32_t>(at::ScalarType::Undefined), "no element type has the number ",
                dtype);
    const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
    const at::IntArrayRef shape(sizes, static_cast<size_t>(dim));
    *out = give(deleter ? at::from_blob(data, shape, [keep](void*) {}, options) : at::from_blob(data, shape, options));
  });
}

GS_API int32_t gs_tensor_set_requires_grad(at::Tensor* t, int32_t value) {
  return guarded([&] {
    TORCH_CHECK(value || t->is_leaf(), "gradients flow through what an operation made; use detach() to cut it off");
    t->set_requires_grad(value != 0);
  });
}

GS_API int32_t gs_tensor_grad(const at::Tensor* t, at::Tensor** out) {
  return guarded([&] { *out = give(t->grad()); });
}

GS_API int32_t gs_tensor_set_grad(at::Tensor* t, const at::Tensor* grad) {
  return guarded([&] { t->mutable_grad() = grad ? *grad : at::Tensor(); });
}

// Makes `t` point at the storage, sizes and strides of `source` (torch's `tensor.data = source`).
GS_API int32_t gs_tensor_set_data(at::Tensor* t, const at::Tensor* source) {
  return guarded([&] { t->set_data(*source); });
}

// Counts a change that was made through the data pointer, so that autograd can refuse to use the old values.
GS_API int32_t gs_tensor_bump_version(at::Tensor* t) {
  return guarded([&] { t->unsafeGetTensorImpl()->bump_version(); });
}

GS_API int32_t gs_tensor_grad_fn_name(const at::Tensor* t, char* buffer, int32_t size) {
  return guarded([&] {
    const auto& fn = t->grad_fn();
    const std::string name = fn ? fn->name() : std::string();
    std::strncpy(buffer, name.c_str(), static_cast<size_t>(size));
    buffer[size - 1] = 0;
  });
}

// -------------------------------------------------------------------------------------------------------------- autograd

namespace {

torch::autograd::variable_list gather(at::Tensor* const* p, int32_t n) {
  torch::autograd::variable_list list;
  list.reserve(static_cast<size_t>(n));
  for (int32_t k = 0; k < n; ++k) list.push_back(p[k] ? *p[k] : at::Tensor());
  return list;
}

bool differentiable_type(at::ScalarType t) { return at::isFloatingType(t) || at::isComplexType(t); }

c10::optional<bool> tristate(int32_t v) { return v < 0 ? c10::optional<bool>() : c10::optional<bool>(v != 0); }

}  // namespace

GS_API int32_t gs_backward(at::Tensor* const* tensors, int32_t n, at::Tensor* const* grads, int32_t retain_graph,
                           int32_t create_graph, at::Tensor* const* inputs, int32_t n_inputs) {
  return guarded([&] {
    torch::autograd::backward(gather(tensors, n), grads ? gather(grads, n) : torch::autograd::variable_list(),
                              tristate(retain_graph), create_graph != 0, gather(inputs, n_inputs));
  });
}

GS_API int32_t gs_grad(at::Tensor* const* outputs, int32_t n, at::Tensor* const* inputs, int32_t n_inputs,
                       at::Tensor* const* grads, int32_t retain_graph, int32_t create_graph, int32_t allow_unused,
                       at::Tensor** results) {
  return guarded([&] {
    auto r = torch::autograd::grad(gather(outputs, n), gather(inputs, n_inputs),
                                   grads ? gather(grads, n) : torch::autograd::variable_list(), tristate(retain_graph),
                                   create_graph != 0, allow_unused != 0);
    for (size_t k = 0; k < r.size(); ++k) results[k] = give(std::move(r[k]));
  });
}

// A node of the graph whose backward is managed code. `backward` receives the gradients of the outputs (owned by it, null
// where none arrived) and fills the gradients of the inputs (ownership passes here, null where none); it returns 0, or
// a token that names the managed exception it caught. It may be called on one of libtorch's own threads.
struct gs_callbacks {
  int64_t (*backward)(void* context, at::Tensor** grads, int32_t n_grads, const uint8_t* needed, at::Tensor** results,
                      int32_t n_results);
  void (*release)(void* context);  // saved tensors may go: the node has run and the graph is not retained
  void (*destroy)(void* context);  // the node is gone
};

namespace {

struct ManagedNode : torch::autograd::Node {
  ManagedNode(gs_callbacks c, void* ctx, std::string n) : callbacks(c), context(ctx), label(std::move(n)) {}
  ~ManagedNode() override { callbacks.destroy(context); }
  std::string name() const override { return label; }
  void release_variables() override { callbacks.release(context); }

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    // Under create_graph the results would look like constants to a second differentiation, and it would be silently
    // wrong; a node that throws takes their place in the graph.
    std::shared_ptr<torch::autograd::Node> refusal;
    if (c10::GradMode::is_enabled()) {
      auto edges = next_edges();
      for (auto& e : torch::autograd::collect_next_edges(grads)) edges.push_back(std::move(e));
      refusal = std::shared_ptr<torch::autograd::Node>(
          new torch::autograd::Error(label + " has no second derivative", std::move(edges)), torch::autograd::deleteNode);
    }
    std::vector<at::Tensor*> in;
    in.reserve(grads.size());
    for (auto& g : grads) in.push_back(give(std::move(g)));
    const auto n = static_cast<size_t>(num_outputs());
    std::vector<at::Tensor*> out(n, nullptr);
    std::vector<uint8_t> needed(n);
    for (size_t k = 0; k < n; ++k) needed[k] = task_should_compute_output(k);
    const int64_t token = callbacks.backward(context, in.data(), static_cast<int32_t>(in.size()), needed.data(),
                                             out.data(), static_cast<int32_t>(n));
    torch::autograd::variable_list result(n);
    for (size_t k = 0; k < n; ++k) {
      if (out[k]) {
        result[k] = std::move(*out[k]);
        delete out[k];
      }
    }
    if (token) throw ManagedError(token);
    if (refusal) {
      for (auto& r : result) {
        if (!r.defined() || !differentiable_type(r.scalar_type())) continue;
        r = r.detach();
        torch::autograd::set_history(r, refusal);
      }
    }
    return result;
  }

  gs_callbacks callbacks;
  void* context;
  std::string label;
};

}  // namespace

// Makes `outputs` (fresh tensors, made without grad) depend on `inputs` through a managed node. `*attached` tells
// whether a node was made: none is when grad mode is off or no input requires a gradient, and then `context` is still
// the caller's. A null output is skipped but keeps its slot.
GS_API int32_t gs_custom_function(const char* name, at::Tensor* const* inputs, int32_t n_inputs,
                                  at::Tensor* const* outputs, int32_t n_outputs, const uint8_t* differentiable,
                                  gs_callbacks callbacks, void* context, int32_t* attached) {
  *attached = 0;
  return guarded([&] {
    auto in = gather(inputs, n_inputs);
    bool any = false;
    for (const auto& t : in) any |= t.defined() && t.requires_grad();
    if (!any || !c10::GradMode::is_enabled()) return;
    for (int32_t k = 0; k < n_outputs; ++k) {
      if (!outputs[k]) continue;
      for (const auto& t : in) {
        TORCH_CHECK(!t.defined() || !t.is_same(*outputs[k]), "output ", k, " is one of the inputs: forward must return "
                    "tensors that it made (clone it)");
      }
      for (int32_t j = 0; j < k; ++j) {
        TORCH_CHECK(!outputs[j] || !outputs[j]->is_same(*outputs[k]), "outputs ", j, " and ", k, " are the same tensor");
      }
      TORCH_CHECK(!differentiable[k] || !outputs[k]->requires_grad(), "output ", k, " already has a history: forward must "
                  "return tensors that it made");
      TORCH_CHECK(!differentiable[k] || differentiable_type(outputs[k]->scalar_type()), "output ", k,
                  " is of type ", outputs[k]->scalar_type(), ", which has no gradient: say so in IsDifferentiable");
    }
    std::shared_ptr<ManagedNode> node(new ManagedNode(callbacks, context, name), torch::autograd::deleteNode);
    *attached = 1;
    node->set_next_edges(torch::autograd::collect_next_edges(in));
    for (int32_t k = 0; k < n_outputs; ++k) {
      if (outputs[k] && differentiable[k]) {
        torch::autograd::set_history(*outputs[k], node);
      } else {
        node->add_input_metadata(torch::autograd::Node::undefined_input());
      }
    }
  });
}

// Tensor hook: called with the gradient; may hand back another (ownership passes). Returns 0 or an exception's token.
typedef int64_t (*gs_hook)(void* context, at::Tensor* grad, at::Tensor** replacement);

namespace {
// Tensor::register_hook asserts that there is a gradient, which an output that took no part in the loss has not.
struct HookAccess : at::TensorBase {
  using at::TensorBase::_register_hook;
};
}  // namespace

GS_API int32_t gs_register_hook(at::Tensor* t, gs_hook hook, void (*destroy)(void*), void* context, uint32_t* id) {
  return guarded([&] {
    std::shared_ptr<void> keep(context, destroy);
    *id = (t->*(&HookAccess::_register_hook))([hook, keep](const at::TensorBase& grad) -> at::TensorBase {
      if (!grad.defined()) return grad;
      at::Tensor* replacement = nullptr;
      const int64_t token = hook(keep.get(), give(at::Tensor(grad)), &replacement);
      if (token) throw ManagedError(token);
      if (!replacement) return at::TensorBase();
      at::Tensor result = std::move(*replacement);
      delete replacement;
      return result;
    });
  });
}

GS_API int32_t gs_remove_hook(at::Tensor* t, uint32_t id) { return guarded([&] { t->remove_hook(id); }); }

namespace {

struct PostAccumulate : torch::autograd::FunctionPostHook {
  PostAccumulate(int64_t (*c)(void*), std::shared_ptr<void> k) : call(c), keep(std::move(k)) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    if (const int64_t token = call(keep.get())) throw ManagedError(token);
    return outputs;
  }
  int64_t (*call)(void*);
  std::shared_ptr<void> keep;
};

}  // namespace

// Calls back after a leaf's gradient has been accumulated into `.grad` (what data parallelism waits for). The returned
// handle keeps the accumulator alive and with it the hook.
GS_API int32_t gs_post_accumulate_hook(at::Tensor* leaf, int64_t (*hook)(void*), void (*destroy)(void*), void* context,
                                       void** handle) {
  return guarded([&] {
    std::shared_ptr<void> keep(context, destroy);
    auto node = torch::autograd::impl::grad_accumulator(*leaf);
    TORCH_CHECK(node, "the tensor is not a leaf that requires a gradient");
    node->add_post_hook(std::make_unique<PostAccumulate>(hook, keep));
    *handle = new std::shared_ptr<torch::autograd::Node>(node);
  });
}

GS_API void gs_post_accumulate_release(void* handle) { delete static_cast<std::shared_ptr<torch::autograd::Node>*>(handle); }

GS_API int32_t gs_grad_mode() { return c10::GradMode::is_enabled(); }
GS_API void gs_set_grad_mode(int32_t enabled) { c10::GradMode::set_enabled(enabled != 0); }
GS_API void* gs_inference_enter() { return new c10::InferenceMode(true); }
GS_API void gs_inference_leave(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }

// --------------------------------------------------------------------------------------------------- randomness, threads

namespace {

at::Generator generator(int32_t device_type, int32_t device_index) {
  return at::globalContext().defaultGenerator(make_device(device_type, device_index));
}

}  // namespace

GS_API int32_t gs_manual_seed(int64_t seed) {
  return guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

GS_API int32_t gs_rng_state(int32_t device_type, int32_t device_index, at::Tensor** out) {
  return guarded([&] {
    auto g = generator(device_type, device_index);
    std::lock_guard<std::mutex> lock(g.mutex());
    *out = give(g.get_state());
  });
}

GS_API int32_t gs_set_rng_state(int32_t device_type, int32_t device_index, const at::Tensor* state) {
  return guarded([&] {
    auto g = generator(device_type, device_index);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(*state);
  });
}

// Calls a function of OpenBLAS if that is what multiplies matrices here.
template <typename F, typename Use>
static void with_openblas(const char* name, Use use) {
  if (void* blas = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_NOLOAD)) {
    if (auto f = reinterpret_cast<F>(dlsym(blas, name))) use(f);
    dlclose(blas);
  }
}

GS_API int32_t gs_num_threads() { return at::get_num_threads(); }
GS_API int32_t gs_set_num_threads(int32_t n) {
  return guarded([&] {
    at::set_num_threads(n);
    // OpenBLAS has threads of its own, of which libtorch says nothing to it: as many as there are cores, and idle ones spin.
    with_openblas<void (*)(int)>("openblas_set_num_threads", [&](auto set) { set(n); });
  });
}
GS_API int32_t gs_blas_threads() {
  int32_t n = 0;
  with_openblas<int (*)()>("openblas_get_num_threads", [&](auto get) { n = get(); });
  return n;
}

// ------------------------------------------------------------------------------------------------------------------ CUDA

struct gs_cuda_properties {
  char name[256];
  int64_t total_memory;
  int32_t major, minor, multiprocessors, max_shared_memory_optin;
};

struct gs_cuda_memory {
  int64_t allocated, peak_allocated, reserved, peak_reserved, free, total;
};

#ifndef GENOSEQ_CUDA
#define GS_CUDA(...)                                                                                               \
  return guarded([&] {                                                                                             \
    throw Unavailable(std::string("this build of GenoSeq's native library is against a libtorch (") +              \
                      TORCH_VERSION + ") without CUDA");                                                           \
  })
#else
#define GS_CUDA(...) return guarded([&] { __VA_ARGS__; })
namespace {
void check(cudaError_t e) { TORCH_CHECK(e == cudaSuccess, "CUDA: ", cudaGetErrorString(e)); }
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 6)
using DeviceStats = c10::CachingDeviceAllocator::DeviceStats;
#else
using DeviceStats = c10::cuda::CUDACachingAllocator::DeviceStats;
#endif
}  // namespace
#endif

// 0 when this build has no CUDA, or the machine has no usable device.
GS_API int32_t gs_cuda_device_count() {
#ifdef GENOSEQ_CUDA
  try {
    return at::hasCUDA() ? c10::cuda::device_count() : 0;
  } catch (...) {
    return 0;
  }
#else
  return 0;
#endif
}

GS_API int32_t gs_cuda_compiled() {
#ifdef GENOSEQ_CUDA
  return 1;
#else
  return 0;
#endif
}

GS_API int32_t gs_cuda_device_properties(int32_t device, gs_cuda_properties* out) {
  (void)device, (void)out;
  GS_CUDA({
    const auto* p = at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(device));
    std::memset(out, 0, sizeof(*out));
    std::strncpy(out->name, p->name, sizeof(out->name) - 1);
    out->total_memory = static_cast<int64_t>(p->totalGlobalMem);
    out->major = p->major;
    out->minor = p->minor;
    out->multiprocessors = p->multiProcessorCount;
    out->max_shared_memory_optin = static_cast<int32_t>(p->sharedMemPerBlockOptin);
  });
}

GS_API int32_t gs_cuda_set_device(int32_t device) {
  (void)device;
  GS_CUDA(c10::cuda::set_device(static_cast<c10::DeviceIndex>(device)));
}

GS_API int32_t gs_cuda_synchronize(int32_t device) {
  (void)device;
  GS_CUDA({
    c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    check(cudaDeviceSynchronize());
  });
}

GS_API int32_t gs_cuda_current_stream(int32_t device, void** out) {
  (void)device, (void)out;
  GS_CUDA(*out = c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device)).stream());
}

GS_API int32_t gs_cuda_memory_stats(int32_t device, gs_cuda_memory* out) {
  (void)device, (void)out;
  GS_CUDA({
    const auto d = static_cast<c10::DeviceIndex>(device);
    const DeviceStats s = c10::cuda::CUDACachingAllocator::getDeviceStats(d);
    out->allocated = s.allocated_bytes[0].current;
    out->peak_allocated = s.allocated_bytes[0].peak;
    out->reserved = s.reserved_bytes[0].current;
    out->peak_reserved = s.reserved_bytes[0].peak;
    c10::cuda::CUDAGuard guard(d);
    size_t f = 0;
    size_t t = 0;
    check(cudaMemGetInfo(&f, &t));
    out->free = static_cast<int64_t>(f);
    out->total = static_cast<int64_t>(t);
  });
}

GS_API int32_t gs_cuda_reset_peak_memory(int32_t device) {
  (void)device;
  GS_CUDA(c10::cuda::CUDACachingAllocator::resetPeakStats(static_cast<c10::DeviceIndex>(device)));
}

GS_API int32_t gs_cuda_empty_cache() { GS_CUDA(c10::cuda::CUDACachingAllocator::emptyCache()); }

GS_API int32_t gs_cuda_event_create(int32_t device, void** out) {
  (void)device, (void)out;
  GS_CUDA({
    c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    cudaEvent_t e = nullptr;
    check(cudaEventCreate(&e));
    *out = e;
  });
}

// The default stream is the current device's, so that must be the event's.
GS_API int32_t gs_cuda_event_record(void* event, int32_t device, void* stream) {
  (void)event, (void)device, (void)stream;
  GS_CUDA({
    c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    check(cudaEventRecord(static_cast<cudaEvent_t>(event), static_cast<cudaStream_t>(stream)));
  });
}

GS_API int32_t gs_cuda_event_synchronize(void* event) {
  (void)event;
  GS_CUDA(check(cudaEventSynchronize(static_cast<cudaEvent_t>(event))));
}

GS_API int32_t gs_cuda_event_elapsed(void* begin, void* end, float* milliseconds) {
  (void)begin, (void)end, (void)milliseconds;
  GS_CUDA(check(cudaEventElapsedTime(milliseconds, static_cast<cudaEvent_t>(begin), static_cast<cudaEvent_t>(end))));
}

GS_API int32_t gs_cuda_event_destroy(void* event) {
  (void)event;
  GS_CUDA(check(cudaEventDestroy(static_cast<cudaEvent_t>(event))));
}

// The driver's own figures, without the allocator's, which exist only once a tensor was made.
GS_API int32_t gs_cuda_mem_info(int32_t device, int64_t* free_bytes, int64_t* total_bytes) {
  (void)device, (void)free_bytes, (void)total_bytes;
  GS_CUDA({
    c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    size_t f = 0;
    size_t t = 0;
    check(cudaMemGetInfo(&f, &t));
    *free_bytes = static_cast<int64_t>(f);
    *total_bytes = static_cast<int64_t>(t);
  });
}

// ---- streams: a handle is a c10::cuda::CUDAStream* that its owner frees; libtorch's pool keeps the stream itself ----

GS_API int32_t gs_cuda_stream_create(int32_t device, int32_t high_priority, void** out) {
  (void)device, (void)high_priority, (void)out;
  GS_CUDA(*out = new c10::cuda::CUDAStream(
              c10::cuda::getStreamFromPool(high_priority != 0, static_cast<c10::DeviceIndex>(device))));
}

GS_API int32_t gs_cuda_stream_current(int32_t device, void** out) {
  (void)device, (void)out;
  GS_CUDA(*out = new c10::cuda::CUDAStream(c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device))));
}

// Makes a stream the current one of its device on this thread; the current device stays.
GS_API int32_t gs_cuda_stream_set(void* stream) {
  (void)stream;
  GS_CUDA(c10::cuda::setCurrentCUDAStream(*static_cast<c10::cuda::CUDAStream*>(stream)));
}

GS_API int32_t gs_cuda_stream_raw(void* stream, void** out) {
  (void)stream, (void)out;
  GS_CUDA(*out = static_cast<c10::cuda::CUDAStream*>(stream)->stream());
}

GS_API int32_t gs_cuda_stream_synchronize(void* stream) {
  (void)stream;
  GS_CUDA(static_cast<c10::cuda::CUDAStream*>(stream)->synchronize());
}

// What comes next on `stream` waits for what is on `other` now. Both belong to one device.
GS_API int32_t gs_cuda_stream_wait(void* stream, void* other) {
  (void)stream, (void)other;
  GS_CUDA({
    auto& waiting = *static_cast<c10::cuda::CUDAStream*>(stream);
    auto& first = *static_cast<c10::cuda::CUDAStream*>(other);
    c10::cuda::CUDAGuard guard(first.device_index());
    cudaEvent_t e = nullptr;
    check(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
    cudaError_t status = cudaEventRecord(e, first.stream());
    if (status == cudaSuccess) status = cudaStreamWaitEvent(waiting.stream(), e, 0);
    cudaEventDestroy(e);
    check(status);
  });
}

GS_API int32_t gs_cuda_stream_capturing(int32_t device, int32_t* out) {
  (void)device, (void)out;
  GS_CUDA({
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    check(cudaStreamIsCapturing(c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device)).stream(), &status));
    *out = status != cudaStreamCaptureStatusNone;
  });
}

GS_API void gs_cuda_stream_free(void* stream) {
  (void)stream;
#ifdef GENOSEQ_CUDA
  delete static_cast<c10::cuda::CUDAStream*>(stream);
#endif
}

// ---- graphs: work captured from the current stream once, and replayed by one launch ----

// A memory pool that several graphs may share; its name is two numbers.
GS_API int32_t gs_cuda_graph_pool(uint64_t* first, uint64_t* second) {
  (void)first, (void)second;
  GS_CUDA({
    const auto pool = at::cuda::graph_pool_handle();
    *first = pool.first;
    *second = pool.second;
  });
}

GS_API int32_t gs_cuda_graph_create(int32_t device, void** out) {
  (void)device, (void)out;
  GS_CUDA({
    c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    *out = new at::cuda::CUDAGraph();
  });
}

// mode: 0 global, 1 thread-local, 2 relaxed. The current stream of the device must not be its default one.
GS_API int32_t gs_cuda_graph_capture_begin(void* graph, int32_t device, uint64_t first, uint64_t second, int32_t mode) {
  (void)graph, (void)device, (void)first, (void)second, (void)mode;
  GS_CUDA({
    c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    // The generator exists from its first use on, and must exist before the capture.
    at::globalContext().defaultGenerator(c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device)));
    const decltype(at::cuda::graph_pool_handle()) pool{first, second};
    static_cast<at::cuda::CUDAGraph*>(graph)->capture_begin(
        pool, mode == 2 ? cudaStreamCaptureModeRelaxed : mode == 1 ? cudaStreamCaptureModeThreadLocal : cudaStreamCaptureModeGlobal);
  });
}

GS_API int32_t gs_cuda_graph_capture_end(void* graph, int32_t device) {
  (void)graph, (void)device;
  GS_CUDA({
    c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    static_cast<at::cuda::CUDAGraph*>(graph)->capture_end();
  });
}

GS_API int32_t gs_cuda_graph_replay(void* graph) {
  (void)graph;
  GS_CUDA(static_cast<at::cuda::CUDAGraph*>(graph)->replay());
}

GS_API int32_t gs_cuda_graph_reset(void* graph) {
  (void)graph;
  GS_CUDA(static_cast<at::cuda::CUDAGraph*>(graph)->reset());
}

GS_API int32_t gs_cuda_graph_get_pool(void* graph, uint64_t* first, uint64_t* second) {
  (void)graph, (void)first, (void)second;
  GS_CUDA({
    const auto pool = static_cast<at::cuda::CUDAGraph*>(graph)->pool();
    *first = pool.first;
    *second = pool.second;
  });
}

GS_API int32_t gs_cuda_graph_free(void* graph) {
  (void)graph;
  GS_CUDA(delete static_cast<at::cuda::CUDAGraph*>(graph));
}

// ---------------------------------------------------------------------------------------------------------- process groups

#ifdef GENOSEQ_C10D
namespace {
struct GroupHandle {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<Group> group;
};
using WorkPtr = c10::intrusive_ptr<c10d::Work>;
}  // namespace
#define GS_C10D(...) return guarded([&] { __VA_ARGS__; })
#else
#define GS_C10D(...)                                                                                               \
  return guarded([&] {                                                                                             \
    throw Unavailable("this build of GenoSeq's native library has no process groups (neither Gloo nor NCCL)");      \
  })
#endif

GS_API int32_t gs_dist_backends() {
  int32_t mask = 0;
#ifdef USE_C10D_GLOO
  mask |= 1;
#endif
#ifdef USE_C10D_NCCL
  mask |= 2;
#endif
  return mask;
}

// A rendezvous store: rank 0 serves it, the others connect. Port 0 on the server picks a free one (see `*bound`).
GS_API int32_t gs_store_create(const char* host, int32_t port, int32_t is_server, int32_t world_size, int64_t timeout_ms,
                               int32_t* bound, void** out) {
  (void)host, (void)port, (void)is_server, (void)world_size, (void)timeout_ms, (void)bound, (void)out;
  GS_C10D({
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = is_server != 0;
    if (world_size > 0) options.numWorkers = static_cast<size_t>(world_size);
    options.waitWorkers = false;
    options.timeout = std::chrono::milliseconds(timeout_ms);
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    *bound = store->getPort();
    *out = new c10::intrusive_ptr<c10d::Store>(std::move(store));
  });
}

GS_API void gs_store_free(void* store) {
  (void)store;
#ifdef GENOSEQ_C10D
  delete static_cast<c10::intrusive_ptr<c10d::Store>*>(store);
#endif
}

GS_API int32_t gs_store_set(void* store, const char* key, const uint8_t* data, int32_t size) {
  (void)store, (void)key, (void)data, (void)size;
  GS_C10D((*static_cast<c10::intrusive_ptr<c10d::Store>*>(store))->set(key, std::vector<uint8_t>(data, data + size)));
}

GS_API int32_t gs_store_get(void* store, const char* key, uint8_t** data, int32_t* size) {
  (void)store, (void)key, (void)data, (void)size;
  GS_C10D({
    const auto bytes = (*static_cast<c10::intrusive_ptr<c10d::Store>*>(store))->get(key);
    *data = static_cast<uint8_t*>(std::malloc(bytes.size() + 1));
    if (!*data) throw std::bad_alloc();
    std::memcpy(*data, bytes.data(), bytes.size());
    *size = static_cast<int32_t>(bytes.size());
  });
}

GS_API int32_t gs_store_add(void* store, const char* key, int64_t amount, int64_t* result) {
  (void)store, (void)key, (void)amount, (void)result;
  GS_C10D(*result = (*static_cast<c10::intrusive_ptr<c10d::Store>*>(store))->add(key, amount));
}

// `backend` is "gloo" or "nccl"; `interface_host` is the address Gloo binds to (null: what the host name resolves to).
// `prefix` keeps the keys of several groups over one store apart: every group of a store has its own.
GS_API int32_t gs_group_create(void* store, const char* prefix, const char* backend, const char* interface_host, int32_t rank,
                               int32_t world_size, int64_t timeout_ms, void** out) {
  (void)store, (void)prefix, (void)backend, (void)interface_host, (void)rank, (void)world_size, (void)timeout_ms, (void)out;
  GS_C10D({
    auto handle = std::make_unique<GroupHandle>();
    handle->store =
        c10::make_intrusive<c10d::PrefixStore>(prefix, *static_cast<c10::intrusive_ptr<c10d::Store>*>(store));
    const std::chrono::milliseconds timeout(timeout_ms);
    if (std::string(backend) == "gloo") {
#ifdef USE_C10D_GLOO
      auto options = c10d::ProcessGroupGloo::Options::create(timeout);
      options->devices.push_back(interface_host ? c10d::ProcessGroupGloo::createDeviceForHostname(interface_host)
                                                : c10d::ProcessGroupGloo::createDefaultDevice());
      options->threads = 2;
      handle->group = c10::make_intrusive<c10d::ProcessGroupGloo>(handle->store, rank, world_size, options);
#else
      throw Unavailable("this build of GenoSeq's native library has no Gloo");
#endif
    } else if (std::string(backend) == "nccl") {
#ifdef USE_C10D_NCCL
      auto options = c10d::ProcessGroupNCCL::Options::create();
      options->timeout = timeout;
      handle->group = c10::make_intrusive<c10d::ProcessGroupNCCL>(handle->store, rank, world_size, options);
#else
      throw Unavailable("this build of GenoSeq's native library has no NCCL");
#endif
    } else {
      throw Unavailable(std::string("no process group backend is called '") + backend + "' (gloo, nccl)");
    }
    *out = handle.release();
  });
}

GS_API void gs_group_free(void* group) {
  (void)group;
#ifdef GENOSEQ_C10D
  delete static_cast<GroupHandle*>(group);
#endif
}

enum gs_collective : int32_t {
  kAllReduce, kBroadcast, kAllGather, kReduceScatter, kBarrier, kReduce, kAllGatherInto, kReduceScatterTensor
};

// Starts a collective; `work` is waited for with gs_work_wait. `op`: 0 sum, 1 average, 2 product, 3 min, 4 max.
// All-gather fills `outputs[0..n)` (one per rank) from `inputs[0]`; reduce-scatter the other way round. The forms on one
// tensor (NCCL only) take `outputs[0]` and `inputs[0]`.
GS_API int32_t gs_collective_start(void* group, int32_t kind, at::Tensor* const* outputs, int32_t n_outputs,
                                   at::Tensor* const* inputs, int32_t n_inputs, int32_t op, int32_t root,
                                   int64_t timeout_ms, void** work) {
  (void)group, (void)kind, (void)outputs, (void)n_outputs, (void)inputs, (void)n_inputs, (void)op, (void)root,
      (void)timeout_ms, (void)work;
  GS_C10D({
    auto& g = *static_cast<GroupHandle*>(group)->group;
    auto in = gather(inputs, n_inputs);
    auto out = gather(outputs, n_outputs);
    static const c10d::ReduceOp::RedOpType ops[] = {c10d::ReduceOp::SUM, c10d::ReduceOp::AVG, c10d::ReduceOp::PRODUCT,
                                                    c10d::ReduceOp::MIN, c10d::ReduceOp::MAX};
    const std::chrono::milliseconds timeout(timeout_ms);
    TORCH_CHECK(op >= 0 && op < 5, "no reduction has the number ", op);
    WorkPtr w;
    switch (kind) {
      case kAllReduce: {
        c10d::AllreduceOptions o;
        o.reduceOp = ops[op];
        if (timeout_ms > 0) o.timeout = timeout;
        w = g.allreduce(in, o);
        break;
      }
      case kBroadcast: {
        c10d::BroadcastOptions o;
        o.rootRank = root;
        if (timeout_ms > 0) o.timeout = timeout;
        w = g.broadcast(in, o);
        break;
      }
      case kAllGather: {
        c10d::AllgatherOptions o;
        if (timeout_ms > 0) o.timeout = timeout;
        std::vector<std::vector<at::Tensor>> lists{out};
        w = g.allgather(lists, in, o);
        break;
      }
      case kReduceScatter: {
        c10d::ReduceScatterOptions o;
        o.reduceOp = ops[op];
        if (timeout_ms > 0) o.timeout = timeout;
        std::vector<std::vector<at::Tensor>> lists{in};
        w = g.reduce_scatter(out, lists, o);
        break;
      }
      case kAllGatherInto: {
        c10d::AllgatherOptions o;
        if (timeout_ms > 0) o.timeout = timeout;
        w = g._allgather_base(out.at(0), in.at(0), o);
        break;
      }
      case kReduceScatterTensor: {
        c10d::ReduceScatterOptions o;
        o.reduceOp = ops[op];
        if (timeout_ms > 0) o.timeout = timeout;
        w = g._reduce_scatter_base(out.at(0), in.at(0), o);
        break;
      }
      case kReduce: {
        c10d::ReduceOptions o;
        o.reduceOp = ops[op];
        o.rootRank = root;
        if (timeout_ms > 0) o.timeout = timeout;
        w = g.reduce(in, o);
        break;
      }
      default: {
        c10d::BarrierOptions o;
        if (timeout_ms > 0) o.timeout = timeout;
        w = g.barrier(o);
        break;
      }
    }
    *work = new WorkPtr(std::move(w));
  });
}

// Waits for the work; 0 as timeout: the group's own. gs_work_free frees it, also while it runs: the group keeps what it needs.
GS_API int32_t gs_work_wait(void* work, int64_t timeout_ms) {
  (void)work, (void)timeout_ms;
  GS_C10D({
    auto* w = static_cast<WorkPtr*>(work);
    const bool done = timeout_ms > 0 ? (*w)->wait(std::chrono::milliseconds(timeout_ms)) : (*w)->wait();
    TORCH_CHECK(done, "the collective did not finish in time");
  });
}

GS_API void gs_work_free(void* work) {
  (void)work;
#ifdef GENOSEQ_C10D
  delete static_cast<WorkPtr*>(work);
#endif
}

GS_API int32_t gs_work_is_completed(void* work, int32_t* completed) {
  (void)work, (void)completed;
  GS_C10D(*completed = (*static_cast<WorkPtr*>(work))->isCompleted());
}
