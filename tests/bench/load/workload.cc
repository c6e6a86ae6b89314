#include "tests/bench/load/workload.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/auth/principal.h"
#include "common/auth/scopes.h"
#include "common/auth/secret_file.h"
#include "common/id/uuid.h"
#include "common/status/macros.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/unknown_field_set.h"

namespace alma::bench {
namespace {

namespace v1 = conversations::v1;

// That of either list: both answers have it in one field.
std::string NextPageToken(const std::string& answer) {
  google::protobuf::Empty response;
  std::string token;
  if (!response.ParseFromString(answer)) return token;
  const auto& fields = response.GetReflection()->GetUnknownFields(response);
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == v1::ListMessagesResponse::kNextPageTokenFieldNumber) {
      token = fields.field(i).length_delimited();
    }
  }
  return token;
}

// A kind of uuid that no row has.
constexpr int kNothing = 9;
constexpr int64_t kPrincipalSeconds = 24 * 60 * 60;
// Text of a length that people write.
constexpr char kContent[] =
    "Do you have a course that starts in March? I would like to know what it costs, thank you.";
constexpr char kSender[] = "0190f5fe-3333-7000-8000-000000000001";

std::string Principal(const auth::PrincipalSigner& signer, const std::string& organization) {
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  auth::v1::Principal principal;
  principal.set_organization_uuid(organization);
  for (const std::string_view scope : auth::TenantScopes()) {
    principal.add_scopes(scope.data(), scope.size());
  }
  principal.mutable_issued_at()->set_seconds(now);
  principal.mutable_expires_at()->set_seconds(now + kPrincipalSeconds);
  return absl::Base64Escape(signer.Sign(principal));
}

}  // namespace

std::string NthUuid(int kind, int64_t n) {
  return absl::StrFormat("0190f5fe-%d%d%d%d-7000-8000-%012d", kind, kind, kind, kind, n);
}

absl::StatusOr<Workload> Workload::Create(const WorkloadOptions& options) {
  Workload workload(options);
  RETURN_IF_ERROR(workload.ReadKinds());
  RETURN_IF_ERROR(workload.MakeCredentials());
  // CreateMessage and BatchCreateMessages carry a message in the same field.
  v1::CreateMessageRequest request;
  v1::Message& message = *request.mutable_message();
  message.set_uuid(NthUuid(8, 0));
  message.set_conversation_uuid(NthUuid(kNothing, 0));
  message.set_sender_uuid(kSender);
  message.set_content(kContent);
  message.set_type("TEXT");
  message.set_channel("WHATSAPP");
  message.set_origin("bench");
  workload.item_ = request.SerializeAsString();
  workload.item_uuid_at_ = workload.item_.find(message.uuid());
  workload.item_conversation_at_ = workload.item_.find(message.conversation_uuid());
  return workload;
}

absl::Status Workload::ReadKinds() {
  const std::vector<std::string> calls = absl::StrSplit(options_.calls, ',');
  for (const std::string& text : calls) {
    const std::pair<std::string, std::string> part = absl::StrSplit(text, absl::MaxSplits(':', 1));
    std::optional<Kind> kind;
    if (part.first == "create") kind = Kind::kCreate;
    if (part.first == "bad") kind = Kind::kBad;
    if (part.first == "batch") kind = Kind::kBatch;
    if (part.first == "get") kind = Kind::kGet;
    if (part.first == "list") kind = Kind::kList;
    if (part.first == "conversations") kind = Kind::kConversations;
    int weight = 1;
    if (!kind || (!part.second.empty() && !absl::SimpleAtoi(part.second, &weight)) || weight < 1) {
      return absl::InvalidArgumentError("--calls: " + text);
    }
    kinds_.emplace_back(*kind, weight);
    weights_ += weight;
  }
  return absl::OkStatus();
}

absl::Status Workload::MakeCredentials() {
  if (!options_.authorizations.empty()) {
    credential_ = "authorization";
    credential_values_ = std::move(options_.authorizations);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auth::Secrets secrets,
                   auth::LoadSecretFile(options_.principal_secret_file));
  const auth::PrincipalSigner signer(secrets);
  credential_ = "alma-principal-bin";
  if (options_.organizations == 1) {
    credential_values_ = {Principal(signer, options_.organization)};
    return absl::OkStatus();
  }
  credential_values_.reserve(options_.organizations);
  for (int64_t i = 0; i < options_.organizations; ++i) {
    credential_values_.push_back(Principal(signer, NthUuid(0, i)));
  }
  return absl::OkStatus();
}

int64_t Workload::Below(int64_t limit) {
  return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit));
}

std::string Workload::AnyConversation() { return NthUuid(1, Below(options_.conversations)); }

std::string Workload::Item(const std::string& conversation) {
  std::string item = item_;
  const std::string uuid = id::NewUuid();
  item.replace(item_uuid_at_, uuid.size(), uuid);
  item.replace(item_conversation_at_, conversation.size(), conversation);
  return item;
}

std::string Workload::Message(Kind kind) {
  switch (kind) {
    case Kind::kCreate:
      return Item(AnyConversation());
    case Kind::kBad:
      return Item(NthUuid(kNothing, 0));
    case Kind::kBatch: {
      std::string items;
      items.reserve(item_.size() * options_.batch_size);
      for (int i = 0; i < options_.batch_size; ++i) items += Item(AnyConversation());
      return items;
    }
    case Kind::kGet: {
      v1::GetMessageRequest request;
      request.set_uuid(NthUuid(2, Below(options_.messages)));
      return request.SerializeAsString();
    }
    case Kind::kList: {
      v1::ListMessagesRequest request;
      request.set_page_size(options_.page_size);
      request.set_conversation_uuid(AnyConversation());
      return request.SerializeAsString();
    }
    case Kind::kConversations: {
      v1::ListConversationsRequest request;
      request.set_page_size(options_.page_size);
      return request.SerializeAsString();
    }
  }
  return "";
}

Request Workload::Next() {
  static constexpr std::string_view kPaths[] = {
      "/alma.conversations.v1.MessagesService/CreateMessage",
      "/alma.conversations.v1.MessagesService/CreateMessage",
      "/alma.conversations.v1.MessagesService/BatchCreateMessages",
      "/alma.conversations.v1.MessagesService/GetMessage",
      "/alma.conversations.v1.MessagesService/ListMessages",
      "/alma.conversations.v1.ConversationsService/ListConversations"};
  size_t chosen = 0;
  if (kinds_.size() > 1) {
    int64_t at = Below(weights_);
    while (at >= kinds_[chosen].second) at -= kinds_[chosen++].second;
  }
  const Kind kind = kinds_[chosen].first;
  const std::string& credential_value = credential_values_[next_credential_];
  next_credential_ = (next_credential_ + 1) % credential_values_.size();
  return {kPaths[static_cast<size_t>(kind)], credential_, credential_value,
          fixed_.empty() ? Message(kind) : fixed_};
}

absl::Status Workload::GoToPage(int page,
                                const std::function<absl::StatusOr<std::string>(Request)>& call) {
  const Request first = Next();
  for (int at = 1; at < page; ++at) {
    Request request = first;
    if (!fixed_.empty()) request.message = fixed_;
    ASSIGN_OR_RETURN(const std::string answer, call(request));
    // Both lists' requests have their token in one field.
    v1::ListMessagesRequest token;
    token.set_page_token(NextPageToken(answer));
    if (token.page_token().empty()) {
      return absl::OutOfRangeError(absl::StrCat("the list ends with page ", at));
    }
    fixed_ = first.message + token.SerializeAsString();
  }
  return absl::OkStatus();
}

}  // namespace alma::bench
