// A program: a fixed list of calls of TensorFlow's ops, run at once. JavaScript has recorded it and hands it over once,
// by `createProgram(calls)`; `runProgram(id, inputs)` then costs one crossing, and no more than TensorFlow's own
// overhead for each call, and less for those that are quickly done (quick.h). Values live in slots: the first are the inputs', then each call's outputs. A slot is freed
// as its last call begins, so that TensorFlow may write that call's result into the same memory.
//
// The handles of tensors are those of tfjs-node's backend, by their ids.

#include <node_api.h>

#include <memory>
#include <string>
#include <vector>

#include "from-js.h"
#include "quick.h"
#include "reach.h"
#include "status.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/eager/c_api_experimental.h"

namespace tfnodejs {
// In tfjs_backend.cc: gives an op an attribute, `{ name, type, value }`.
void AssignOpAttr(napi_env env, TFE_Op* op, napi_value attribute);
}  // namespace tfnodejs

namespace {

struct OpDeleter {
  void operator()(TFE_Op* op) const { TFE_DeleteOp(op); }
};
typedef std::unique_ptr<TFE_Op, OpDeleter> OpPointer;

struct Step {
  std::string name;
  Quick quick;
  // Never run: holds the attributes.
  OpPointer prepared;
  std::vector<uint32_t> inputs, freed;
  uint32_t first, count;
};

struct Program {
  uint32_t slots;
  std::vector<Step> steps;
  // Slots whose values leave, and which become the caller's.
  std::vector<uint32_t> results;
  // Inputs that the program takes: their ids are no longer the caller's.
  std::vector<bool> taken;
  OpPointer op;
};

// All programs of one environment of JavaScript.
struct Programs {
  TFJSBackend* backend;
  std::vector<std::unique_ptr<Program>> all;
};

bool ReadStep(napi_env env, TFE_Context* context, napi_value call, Step* step) {
  napi_value name, attributes;
  char text[256];
  size_t length;
  if (!Get(env, call, "op", &name) || !Get(env, call, "attributes", &attributes)) return false;
  if (napi_get_value_string_utf8(env, name, text, sizeof(text), &length) != napi_ok) return false;
  step->name = text;
  step->quick = QuickOf(step->name);
  std::vector<uint32_t> outputs;
  if (!Numbers(env, call, "inputs", &step->inputs) || !Numbers(env, call, "freed", &step->freed)) return false;
  if (!Numbers(env, call, "outputs", &outputs) || outputs.size() != 2) return false;
  step->first = outputs[0];
  step->count = outputs[1];
  Status status;
  step->prepared.reset(TFE_NewOp(context, text, status));
  if (!status.ok()) return Throw(env, status.message());
  uint32_t count;
  if (napi_get_array_length(env, attributes, &count) != napi_ok) return false;
  for (uint32_t i = 0; i < count; i++) {
    napi_value attribute;
    if (napi_get_element(env, attributes, i, &attribute) != napi_ok) return false;
    tfnodejs::AssignOpAttr(env, step->prepared.get(), attribute);
    bool pending = false;
    if (napi_is_exception_pending(env, &pending) != napi_ok || pending) return false;
  }
  return true;
}

// createProgram({ slots, calls: [{ op, attributes, inputs, freed, outputs: [first, count] }], results, taken }): id
napi_value Create(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value spec, calls, slots, id;
  void* data;
  if (napi_get_cb_info(env, info, &argc, &spec, nullptr, &data) != napi_ok || argc < 1) return nullptr;
  Programs* programs = static_cast<Programs*>(data);
  TFE_Context* context = programs->backend->*Of(ContextOf());
  std::unique_ptr<Program> program(new Program());
  std::vector<uint32_t> taken;
  uint32_t count = 0;
  bool ok = Get(env, spec, "slots", &slots) && napi_get_value_uint32(env, slots, &program->slots) == napi_ok &&
            Numbers(env, spec, "results", &program->results) && Numbers(env, spec, "taken", &taken) &&
            Get(env, spec, "calls", &calls) && napi_get_array_length(env, calls, &count) == napi_ok;
  for (uint32_t flag : taken) program->taken.push_back(flag != 0);
  program->steps.resize(count);
  for (uint32_t i = 0; i < count && ok; i++) {
    napi_value call;
    ok = napi_get_element(env, calls, i, &call) == napi_ok && ReadStep(env, context, call, &program->steps[i]);
    const Step& step = program->steps[i];
    for (uint32_t slot : step.inputs) ok = ok && slot < program->slots;
    for (uint32_t slot : step.freed) ok = ok && slot < program->slots;
    ok = ok && step.first + step.count <= program->slots;
  }
  for (uint32_t slot : program->results) ok = ok && slot < program->slots;
  if (!ok || count == 0 || taken.size() > program->slots) {
    Throw(env, "a program is not well formed");
    return nullptr;
  }
  Status status;
  program->op.reset(TFE_NewOp(context, program->steps[0].name.c_str(), status));
  if (!status.ok()) {
    Throw(env, status.message());
    return nullptr;
  }
  programs->all.push_back(std::move(program));
  napi_create_uint32(env, static_cast<uint32_t>(programs->all.size() - 1), &id);
  return id;
}

// Runs the calls on the slots. On failure all that has been made is freed.
bool Run(napi_env env, Program* program, std::vector<TFE_TensorHandle*>* slots) {
  Status status;
  TFE_Op* op = program->op.get();
  std::vector<TFE_TensorHandle*> inputs;
  for (const Step& step : program->steps) {
    auto free = [&]() {
      for (uint32_t slot : step.freed) {
        TFE_DeleteTensorHandle((*slots)[slot]);
        (*slots)[slot] = nullptr;
      }
    };
    if (step.quick != Quick::kNone && step.count == 1) {
      inputs.clear();
      for (uint32_t slot : step.inputs) inputs.push_back((*slots)[slot]);
      TFE_TensorHandle* made = Quickly(step.quick, inputs);
      if (made) {
        free();
        (*slots)[step.first] = made;
        continue;
      }
    }
    TFE_OpReset(op, step.name.c_str(), nullptr, status);
    if (!status.ok()) break;
    TFE_OpAddAttrs(op, TFE_OpGetAttrs(step.prepared.get()));
    for (uint32_t slot : step.inputs) {
      TFE_OpAddInput(op, (*slots)[slot], status);
      if (!status.ok()) break;
    }
    if (!status.ok()) break;
    free();
    int count = static_cast<int>(step.count);
    TFE_Execute(op, slots->data() + step.first, &count, status);
    if (!status.ok()) break;
  }
  return status.ok() || Throw(env, status.message());
}

// runProgram(id, inputs, take): results. Takes those inputs that the program is to take, or else leaves them as they are.
napi_value RunProgram(napi_env env, napi_callback_info info) {
  size_t argc = 3;
  napi_value args[3], results;
  void* data;
  uint32_t id;
  bool take;
  std::vector<uint32_t> ids;
  if (napi_get_cb_info(env, info, &argc, args, nullptr, &data) != napi_ok || argc < 3) return nullptr;
  if (napi_get_value_bool(env, args[2], &take) != napi_ok) return nullptr;
  Programs* programs = static_cast<Programs*>(data);
  Program* program = nullptr;
  if (napi_get_value_uint32(env, args[0], &id) == napi_ok && id < programs->all.size()) program = programs->all[id].get();
  if (!program || !Numbers(env, args[1], &ids) || ids.size() != program->taken.size()) {
    Throw(env, "there is no such program, or it takes another number of inputs");
    return nullptr;
  }
  Handles& handles = programs->backend->*Of(HandlesOf());
  std::vector<TFE_TensorHandle*> slots(program->slots, nullptr);
  for (size_t i = 0; i < ids.size(); i++) {
    auto found = handles.find(static_cast<int32_t>(ids[i]));
    if (found == handles.end()) {
      Throw(env, "an input of a program is not there");
      return nullptr;
    }
    slots[i] = found->second;
  }
  for (size_t i = 0; i < ids.size(); i++) {
    if (!program->taken[i]) continue;
    Status status;
    if (take) handles.erase(static_cast<int32_t>(ids[i]));
    else slots[i] = TFE_TensorHandleCopySharingTensor(slots[i], status);
  }
  bool ok = Run(env, program, &slots);
  for (size_t i = 0; i < program->taken.size(); i++)
    if (!program->taken[i]) slots[i] = nullptr;
  auto insert = Of(InsertOf());
  if (ok) {
    napi_create_array_with_length(env, program->results.size(), &results);
    for (uint32_t i = 0; i < program->results.size(); i++) {
      napi_value value;
      napi_create_int32(env, (programs->backend->*insert)(slots[program->results[i]]), &value);
      napi_set_element(env, results, i, value);
      slots[program->results[i]] = nullptr;
    }
  }
  for (TFE_TensorHandle* handle : slots)
    if (handle) TFE_DeleteTensorHandle(handle);
  return ok ? results : nullptr;
}

// deleteProgram(id)
napi_value Delete(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value arg;
  void* data;
  uint32_t id;
  if (napi_get_cb_info(env, info, &argc, &arg, nullptr, &data) != napi_ok || argc < 1) return nullptr;
  Programs* programs = static_cast<Programs*>(data);
  if (napi_get_value_uint32(env, arg, &id) == napi_ok && id < programs->all.size()) programs->all[id].reset();
  return nullptr;
}

void Forget(napi_env, void* data, void*) { delete static_cast<Programs*>(data); }

}  // namespace

// Adds the functions to the addon's exports, once tfjs-node's own start has made its backend.
extern "C" __attribute__((visibility("default"))) void espalier_export_programs(napi_env env, napi_value exports) {
  void* backend = nullptr;
  if (napi_get_instance_data(env, &backend) != napi_ok || !backend) return;
  Programs* programs = new Programs{static_cast<TFJSBackend*>(backend), {}};
  const struct {
    const char* name;
    napi_callback call;
  } all[] = {{"createProgram", &Create}, {"runProgram", &RunProgram}, {"deleteProgram", &Delete}};
  for (const auto& one : all) {
    napi_value function;
    napi_create_function(env, one.name, NAPI_AUTO_LENGTH, one.call, programs, &function);
    napi_set_named_property(env, exports, one.name, function);
  }
  napi_wrap(env, exports, programs, &Forget, nullptr, nullptr);
}
