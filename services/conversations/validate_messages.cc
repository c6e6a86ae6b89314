#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/db/page.h"
#include "common/text/checks.h"
#include "common/text/field_mask.h"
#include "common/text/requests.h"
#include "common/text/timestamp.h"
#include "common/text/utf8.h"
#include "services/conversations/validate.h"

namespace alma::conversations {
namespace {

using google::protobuf::RepeatedPtrField;
using text::CheckMetaData;
using text::CheckNotNegative;
using text::Missing;
using text::Presence;
using text::ValidateDelete;
using text::ValidateUuid;
using text::Violations;

constexpr int kMaxBatchCreate = 1000;
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

void ClearOutputOnly(v1::Message& message) {
  message.clear_updated_at();
  message.clear_alma_internal_organization();
  message.clear_index();
  message.clear_revision();
  message.clear_deleted_at();
}

void CheckNew(Violations& violations, v1::Message& message) {
  ClearOutputOnly(message);
  text::CheckUuid(violations, "uuid", message.mutable_uuid(), Presence::kOptional);
  text::CheckUuid(violations, "sender_uuid", message.mutable_sender_uuid());
  text::CheckUuid(violations, "conversation_uuid", message.mutable_conversation_uuid());
  text::CheckContent(violations, "content", message.content(), Presence::kOptional);
  if (message.content().empty() && message.link().empty()) {
    violations.Add("content", "must not be empty where there is no link");
  }
  text::CheckWord(violations, "type", message.type());
  CheckLink(violations, "link", message.link());
  text::CheckWord(violations, "channel", message.channel());
  text::CheckWord(violations, "subchannel", message.subchannel(), Presence::kOptional);
  if (message.has_created_at()) {
    text::CheckTimestamp(violations, "created_at", message.created_at());
    text::TruncateToMicros(message.mutable_created_at());
  }
  if (message.has_meta_data()) CheckMetaData(violations, "meta_data", message.mutable_meta_data());
  text::CheckName(violations, "origin", message.origin());
  text::CheckName(violations, "external_id", message.external_id(), Presence::kOptional);
}

// Within one batch each message is named once.
void CheckNamedOnce(Violations& violations, const RepeatedPtrField<v1::Message>& messages) {
  std::set<std::string_view> uuids;
  std::set<std::pair<std::string_view, std::string_view>> external_ids;
  for (int i = 0; i < messages.size(); ++i) {
    const v1::Message& message = messages[i];
    violations.set_prefix(absl::StrCat("messages[", i, "]"));
    if (!message.uuid().empty() && !uuids.insert(message.uuid()).second) {
      violations.Add("uuid", "is in the batch already");
    }
    if (!message.external_id().empty() &&
        !external_ids.emplace(message.origin(), message.external_id()).second) {
      violations.Add("external_id", "is in the batch already");
    }
  }
}

}  // namespace

absl::Status Validate(v1::CreateMessageRequest& request) {
  if (!request.has_message()) return Missing("message");
  Violations violations;
  violations.set_prefix("message");
  CheckNew(violations, *request.mutable_message());
  return violations.ToStatus();
}

absl::Status Validate(v1::BatchCreateMessagesRequest& request) {
  Violations violations;
  if (request.messages().empty() || request.messages_size() > kMaxBatchCreate) {
    violations.Add("messages", "must be 1 to 1000 messages");
  } else if (request.ByteSizeLong() > db::kMaxPageBytes) {
    violations.Add("messages", "must be at most 3 MiB together");
  }
  if (!violations.empty()) return violations.ToStatus();
  for (int i = 0; i < request.messages_size(); ++i) {
    violations.set_prefix(absl::StrCat("messages[", i, "]"));
    CheckNew(violations, *request.mutable_messages(i));
  }
  CheckNamedOnce(violations, request.messages());
  return violations.ToStatus();
}

absl::Status Validate(v1::UpdateMessageRequest& request) {
  if (!request.has_message()) return Missing("message");
  v1::Message& message = *request.mutable_message();
  Violations violations;
  text::ResolveUpdateMask(violations, message, kMutableMessage, request.mutable_update_mask());
  violations.set_prefix("message");
  text::CheckUuid(violations, "uuid", message.mutable_uuid());
  CheckNotNegative(violations, "revision", message.revision());
  text::CheckContent(violations, "content", message.content(), Presence::kOptional);
  CheckLink(violations, "link", message.link());
  text::CheckWord(violations, "subchannel", message.subchannel(), Presence::kOptional);
  if (message.has_meta_data()) CheckMetaData(violations, "meta_data", message.mutable_meta_data());
  return violations.ToStatus();
}

absl::Status Validate(v1::DeleteMessageRequest& request) { return ValidateDelete(request); }

absl::Status Validate(v1::ImportMessagesRequest& request) {
  if (!request.has_message()) return Missing("message");
  Violations violations;
  violations.set_prefix("message");
  CheckNew(violations, *request.mutable_message());
  return violations.ToStatus();
}

absl::Status Validate(v1::ExportMessagesRequest& request) {
  Violations violations;
  text::CheckUuid(violations, "conversation_uuid", request.mutable_conversation_uuid(),
                  Presence::kOptional);
  CheckNotNegative(violations, "after_revision", request.after_revision());
  return violations.ToStatus();
}

absl::Status Validate(v1::GetMessageRequest& request) { return ValidateUuid(request); }

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
