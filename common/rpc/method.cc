#include "common/rpc/method.h"

#include "common/auth/scopes.h"

namespace alma::rpc {

bool Visible(const Method& method, const Runtime& runtime) {
  return method.scope != auth::kInternal || runtime.callers.MayBeInternal();
}

bool Exists(const Method& method, const Runtime& runtime) {
  if (!Visible(method, runtime)) return false;
  return method.handler != nullptr || method.late_handler != nullptr ||
         method.new_stream != nullptr;
}

}  // namespace alma::rpc
