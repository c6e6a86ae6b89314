#include "services/conversations/list_query.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/message_rows.h"

namespace alma::conversations {
namespace {

constexpr int64_t kMaxIndex = std::numeric_limits<int64_t>::max();

// No activity minute is as late as this, so that the first page needs no statement of its own.
constexpr char kAfterEveryMinute[] = "9999-12-31 23:59:59.999999+00";
constexpr char kAnyUuid[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

constexpr char kOfOrganization[] =
    " from conversations where conversations.alma_internal_organization = :organization "
    "and (conversations.activity_minute, conversations.uuid) < (:activity_minute, :uuid)";
constexpr char kOfOrigin[] =
    " from conversations where conversations.alma_internal_organization = :organization "
    "and conversations.origin = :origin "
    "and (conversations.activity_minute, conversations.uuid) < (:activity_minute, :uuid)";
constexpr char kOfParticipant[] =
    " from conversation_participants participants join conversations "
    "on conversations.alma_internal_organization = participants.alma_internal_organization "
    "and conversations.uuid = participants.conversation_uuid "
    "where participants.alma_internal_organization = :organization and participants.kind = :kind "
    "and participants.participant = :participant and participants.left_at is null "
    "and (participants.activity_minute, participants.conversation_uuid) < (:activity_minute, "
    ":uuid)";

constexpr char kByConversation[] =
    " order by conversations.activity_minute desc, conversations.uuid desc";
constexpr char kByParticipation[] =
    " order by participants.activity_minute desc, participants.conversation_uuid desc";

// The lowest index of an ascending list behind `after`, the highest of a descending one.
int64_t Bound(const db::Position& after, const v1::ListMessagesRequest& request) {
  int64_t last = 0;
  if (!after.empty() && absl::SimpleAtoi(after.front(), &last)) {
    return request.descending() ? last - 1 : last + 1;
  }
  if (request.has_from_index()) return request.from_index();
  const int64_t half = request.page_size() / 2;
  if (request.descending()) {
    return request.has_around_index() ? std::min(request.around_index(), kMaxIndex - half) + half
                                      : kMaxIndex;
  }
  return request.has_around_index() ? std::max<int64_t>(0, request.around_index() - half) : 0;
}

}  // namespace

ListQuery ConversationsBehind(const db::Position& after, std::string_view organization,
                              const v1::ListConversationsRequest& request, int64_t limit) {
  const bool first = after.empty();
  std::vector<db::Param> params = {
      {"organization", organization},
      {"activity_minute", first ? std::string_view(kAfterEveryMinute) : after[0]},
      {"uuid", first ? std::string_view(kAnyUuid) : after[1]},
      {"limit", limit}};
  const char* range = kOfOrganization;
  const char* order = kByConversation;
  if (!request.origin().empty()) {
    range = kOfOrigin;
    params.emplace_back("origin", request.origin());
  } else if (!request.agent_uuid().empty() || !request.external_participant().empty()) {
    const bool agent = !request.agent_uuid().empty();
    range = kOfParticipant;
    order = kByParticipation;
    params.emplace_back("kind", agent ? "AGENT" : "EXTERNAL");
    params.emplace_back("participant",
                        agent ? request.agent_uuid() : request.external_participant());
  }
  return {absl::StrCat("select ", ConversationTable().columns(), range,
                       request.show_deleted() ? "" : " and conversations.deleted_at is null", order,
                       " limit :limit"),
          std::move(params)};
}

ListQuery MessagesBehind(const db::Position& after, std::string_view organization,
                         const v1::ListMessagesRequest& request, int64_t limit) {
  const bool down = request.descending();
  return {absl::StrCat("select ", MessageTable().columns(),
                       " from messages where alma_internal_organization = :organization "
                       "and conversation_uuid = :conversation_uuid and message_index ",
                       down ? "<=" : ">=", " :bound",
                       request.show_deleted() ? "" : " and deleted_at is null",
                       " order by message_index", down ? " desc" : "", " limit :limit"),
          {{"organization", organization},
           {"conversation_uuid", request.conversation_uuid()},
           {"bound", Bound(after, request)},
           {"limit", limit}}};
}

ListQuery MessagesAfterRevision(int64_t after, std::string_view organization,
                                const v1::ExportMessagesRequest& request, int64_t limit) {
  std::vector<db::Param> params = {
      {"organization", organization}, {"after", after}, {"limit", limit}};
  const bool one = !request.conversation_uuid().empty();
  if (one) params.emplace_back("conversation_uuid", request.conversation_uuid());
  return {
      absl::StrCat(
          "select ", MessageTable().columns(),
          " from messages where alma_internal_organization = :organization and revision > :after",
          one ? " and conversation_uuid = :conversation_uuid" : "",
          " order by revision limit :limit"),
      std::move(params)};
}

}  // namespace alma::conversations
