#include "tests/support/unstorable_text.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include "catch2/catch.hpp"
#include "tests/support/string_fields.h"

namespace alma::testing {
namespace {

using google::protobuf::Message;

constexpr std::string_view kTexts[] = {std::string_view("a\0b", 3), "a\xff"};

std::unique_ptr<Message> NewRequest(const google::protobuf::MethodDescriptor& method) {
  return std::unique_ptr<Message>(google::protobuf::MessageFactory::generated_factory()
                                      ->GetPrototype(method.input_type())
                                      ->New());
}

void CheckNamed(const grpc::Status& status, const std::string& path) {
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  const std::vector<std::string> fields = FieldsOf(status);
  CHECK(std::any_of(fields.begin(), fields.end(), [&](const std::string& field) {
    return field == path || (field == "update_mask" && path.starts_with(field));
  }));
}

}  // namespace

int CheckUnstorableText(
    const InProcessServer& server, const rpc::Service& service, const auth::v1::Principal& caller,
    const std::function<void(Message&)>& prepare,
    const std::function<bool(const std::string& method, const std::string& path)>& ignored) {
  int checked = 0;
  for (int i = 0; i < service.descriptor().method_count(); ++i) {
    const auto& method = *service.descriptor().method(i);
    if (method.client_streaming() || method.server_streaming()) continue;
    const std::unique_ptr<Message> request = NewRequest(method);
    prepare(*request);
    for (const std::string_view text : kTexts) {
      const bool has_nul = text.find('\0') != std::string_view::npos;
      ForEachStringField(*request, text, [&](const std::string& path, const Message& changed) {
        if (has_nul && ignored(method.name(), path)) return;
        INFO(method.name() << " " << path << (has_nul ? " with NUL" : " not UTF-8"));
        CheckNamed(CallMethod(server, method, caller, changed), path);
        ++checked;
      });
    }
  }
  return checked;
}

}  // namespace alma::testing
