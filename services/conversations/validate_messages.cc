#include <array>
#include <optional>
#include <string_view>

#include "common/tenant/requests.h"
#include "common/text/checks.h"
#include "common/text/requests.h"
#include "common/text/utf8.h"
#include "services/conversations/validate.h"

namespace alma::conversations {
namespace {

using text::CheckFreeJson;
using text::CheckNotNegative;
using text::Presence;
using text::Violations;

constexpr std::size_t kMaxLinkCodePoints = 2048;
constexpr std::array<std::string_view, 4> kMutableMessage = {"content", "link", "subchannel",
                                                             "meta_data"};

void CheckLink(Violations& violations, std::string_view field, std::string_view link) {
  const std::optional<std::size_t> code_points = text::CountCodePoints(link);
  if (code_points.has_value() && *code_points > kMaxLinkCodePoints) {
    violations.Add(field, "must have at most 2048 characters");
  } else {
    text::CheckContent(violations, field, link, Presence::kOptional);
  }
}

void CheckChanging(Violations& violations, v1::Message& message) {
  text::CheckContent(violations, "content", message.content(), Presence::kOptional);
  CheckLink(violations, "link", message.link());
  text::CheckWord(violations, "subchannel", message.subchannel(), Presence::kOptional);
  if (message.has_meta_data()) CheckFreeJson(violations, "meta_data", message.mutable_meta_data());
}

void CheckMessage(Violations& violations, v1::Message& message) {
  message.clear_index();
  text::CheckUuid(violations, "sender_uuid", message.mutable_sender_uuid());
  text::CheckUuid(violations, "conversation_uuid", message.mutable_conversation_uuid());
  CheckChanging(violations, message);
  if (message.content().empty() && message.link().empty()) {
    violations.Add("content", "must not be empty where there is no link");
  }
  text::CheckWord(violations, "type", message.type());
  text::CheckWord(violations, "channel", message.channel());
  if (message.has_created_at()) {
    tenant::CheckTime(violations, "created_at", message.mutable_created_at());
  }
  text::CheckName(violations, "origin", message.origin());
}

}  // namespace

absl::Status Validate(v1::CreateMessageRequest& request) {
  return tenant::ValidateCreate(request, "message", &v1::CreateMessageRequest::has_message,
                                &v1::CreateMessageRequest::mutable_message, CheckMessage);
}

absl::Status Validate(v1::BatchCreateMessagesRequest& request) {
  return tenant::ValidateBatchCreate(request, "messages", request.mutable_messages(), CheckMessage);
}

absl::Status Validate(v1::UpdateMessageRequest& request) {
  return tenant::ValidateUpdate(request, "message", &v1::UpdateMessageRequest::has_message,
                                &v1::UpdateMessageRequest::mutable_message, kMutableMessage,
                                CheckChanging);
}

absl::Status Validate(v1::DeleteMessageRequest& request) { return tenant::ValidateDelete(request); }

absl::Status Validate(v1::ImportMessagesRequest& request) {
  return tenant::ValidateCreate(request, "message", &v1::ImportMessagesRequest::has_message,
                                &v1::ImportMessagesRequest::mutable_message, CheckMessage);
}

absl::Status Validate(v1::ExportMessagesRequest& request) {
  Violations violations;
  text::CheckUuid(violations, "conversation_uuid", request.mutable_conversation_uuid(),
                  Presence::kOptional);
  CheckNotNegative(violations, "after_revision", request.after_revision());
  return violations.ToStatus();
}

absl::Status Validate(v1::GetMessageRequest& request) { return tenant::ValidateGet(request); }

absl::Status Validate(v1::ListMessagesRequest& request) {
  Violations violations;
  request.set_page_size(text::CheckPageSize(violations, request.page_size()));
  text::CheckUuid(violations, "conversation_uuid", request.mutable_conversation_uuid());
  CheckNotNegative(violations, "from_index", request.from_index());
  CheckNotNegative(violations, "around_index", request.around_index());
  if (request.has_from_index() && request.has_around_index()) {
    violations.Add("around_index", "cannot be combined with from_index");
  }
  return violations.ToStatus();
}

}  // namespace alma::conversations
