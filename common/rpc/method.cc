#include "common/rpc/method.h"

#include "common/auth/scopes.h"

namespace alma::rpc {

bool Exists(const Method& method, const Runtime& runtime) {
  if (method.scope == auth::kInternal && !runtime.callers.MayBeInternal()) return false;
  return method.handler != nullptr || method.new_stream != nullptr;
}

}  // namespace alma::rpc
