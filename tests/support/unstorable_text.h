#pragma once

#include <functional>
#include <string>

#include "alma/auth/v1/principal.pb.h"
#include "common/rpc/service.h"
#include "google/protobuf/message.h"
#include "tests/support/service_harness.h"

namespace alma::testing {

// Sends each unary method of `service` each string field that its request can hold, once with a NUL
// and once with invalid UTF-8, and fails the test case where the answer does not name the field.
// `prepare(request)` sets what else a field is not looked at without; fields for which
// `ignored(method, path)` may hold a NUL. The number of answers that were looked at.
int CheckUnstorableText(
    const InProcessServer& server, const rpc::Service& service, const auth::v1::Principal& caller,
    const std::function<void(google::protobuf::Message&)>& prepare,
    const std::function<bool(const std::string& method, const std::string& path)>& ignored);

}  // namespace alma::testing
