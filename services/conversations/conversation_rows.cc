#include "services/conversations/conversation_rows.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "common/db/many_rows.h"
#include "common/db/revision.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "services/conversations/message_rows.h"

namespace alma::conversations {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Timestamp;

constexpr int64_t kSecondsPerMinute = 60;

// Values of the column `kind`.
constexpr std::string_view kAgent = "AGENT";
constexpr std::string_view kExternal = "EXTERNAL";

// What the lists are ordered by: coarse, so that a busy conversation moves in them once a minute at
// most.
Timestamp Minute(const Timestamp& time) {
  const int64_t second = time.seconds() % kSecondsPerMinute;
  Timestamp minute;
  minute.set_seconds(time.seconds() - (second < 0 ? second + kSecondsPerMinute : second));
  return minute;
}

// Those of `all` that are not in `known`.
std::vector<std::string> Without(const RepeatedPtrField<std::string>& all,
                                 const RepeatedPtrField<std::string>& known) {
  const std::set<std::string_view> passed(known.begin(), known.end());
  std::vector<std::string> rest;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rest),
               [&](const std::string& one) { return !passed.contains(one); });
  return rest;
}

// Those who come to conversations and those who go, as runs of one statement each.
class Moves {
 public:
  // Brings the side table from the lists of `before` to those of `after`.
  void Add(const v1::Conversation& before, const v1::Conversation& after) {
    Add(after, kAgent, before.agents(), after.agents());
    Add(after, kExternal, before.external_participants(), after.external_participants());
  }

  size_t size() const { return leaving_.size() + joining_.size(); }

  // And forgets them.
  absl::Status Write(db::Session& session) {
    RETURN_IF_ERROR(session.ExecuteEach(
        "update conversation_participants set left_at = :at "
        "where alma_internal_organization = :organization and conversation_uuid = :conversation "
        "and kind = :kind and participant = :participant and left_at is null",
        leaving_));
    RETURN_IF_ERROR(session.ExecuteEach(
        "insert into conversation_participants (alma_internal_organization, conversation_uuid, "
        "kind, participant, joined_at, joined_revision, activity_minute) "
        "values (:organization, :conversation, :kind, :participant, :at, :revision, "
        ":activity_minute)",
        joining_));
    leaving_.clear();
    joining_.clear();
    return absl::OkStatus();
  }

 private:
  using Participants = RepeatedPtrField<std::string>;
  using Run = std::vector<db::Param>;

  void Add(const v1::Conversation& conversation, std::string_view kind, const Participants& before,
           const Participants& after) {
    for (const std::string& participant : Without(before, after)) {
      leaving_.push_back(RunOf(conversation, kind, participant));
    }
    for (const std::string& participant : Without(after, before)) {
      Run& run = joining_.emplace_back(RunOf(conversation, kind, participant));
      run.emplace_back("revision", conversation.revision());
      run.emplace_back("activity_minute", ActivityMinute(conversation));
    }
  }

  static Run RunOf(const v1::Conversation& conversation, std::string_view kind,
                   const std::string& participant) {
    return {{"organization", conversation.alma_internal_organization()},
            {"conversation", conversation.uuid()},
            {"kind", kind},
            {"participant", participant},
            {"at", conversation.updated_at()}};
  }

  std::vector<Run> leaving_;
  std::vector<Run> joining_;
};

// What is held of them at a time.
constexpr size_t kMovesAtATime = 1000;

// Of the columns that lists are ordered by, in each table that has them. `runs` have the parameters
// activity_minute, organization and uuid.
absl::Status MoveInLists(db::Session& session, absl::Span<const std::vector<db::Param>> runs) {
  RETURN_IF_ERROR(
      session.ExecuteEach("update conversations set activity_minute = :activity_minute "
                          "where alma_internal_organization = :organization and uuid = :uuid",
                          runs));
  return session.ExecuteEach(
      "update conversation_participants set activity_minute = :activity_minute "
      "where alma_internal_organization = :organization and conversation_uuid = :uuid and left_at "
      "is null",
      runs);
}

// Of conversations that messages are appended to.
const db::ManyRows& AppendUpdate() {
  using Names = db::ManyRows::Names;
  static const db::ManyRows update({"uuid", "added", "latest"}, [](absl::Span<const Names> rows) {
    const auto of_row = [&](auto value) {
      const auto add = [&](std::string* out, const Names& names) {
        absl::StrAppend(out, " when :", names[0], " then ", value(names));
      };
      return absl::StrCat("case uuid", absl::StrJoin(rows, "", add), " end");
    };
    const std::string added =
        of_row([](const Names& names) { return absl::StrCat("cast(:", names[1], " as bigint)"); });
    const std::string latest = of_row([](const Names& names) {
      return absl::StrCat("case when last_message_at > :", names[2],
                          " then last_message_at else :", names[2], " end");
    });
    return absl::StrCat("update conversations set message_count = message_count + ", added,
                        ", last_message_index = coalesce(last_message_index, -1) + ", added,
                        ", last_message_at = ", latest,
                        " where alma_internal_organization = :organization and uuid in (",
                        db::ParamOfRows(rows, 0),
                        ") and deleted_at is null "
                        "returning uuid, last_message_index, last_message_at, activity_minute");
  });
  return update;
}

absl::Status JoinAll(db::Session& session, absl::Span<v1::Conversation* const> conversations) {
  Moves moves;
  for (const v1::Conversation* const conversation : conversations) {
    moves.Add(/*before=*/{}, *conversation);
    if (moves.size() >= kMovesAtATime) RETURN_IF_ERROR(moves.Write(session));
  }
  return moves.Write(session);
}

absl::Status Move(db::Session& session, const v1::Conversation& before,
                  v1::Conversation& conversation) {
  Moves moves;
  moves.Add(before, conversation);
  return moves.Write(session);
}

absl::Status Erase(db::Session& session, v1::Conversation& conversation) {
  const std::string& organization = conversation.alma_internal_organization();
  if (const int64_t messages = conversation.message_count(); messages > 0) {
    RETURN_IF_ERROR(db::TakeRevisions(session, organization, messages).status());
    RETURN_IF_ERROR(DeleteMessagesOf(session, organization, conversation.uuid(),
                                     conversation.revision(), conversation.deleted_at()));
  }
  conversation.clear_agents();
  conversation.clear_external_participants();
  conversation.clear_meta_data();
  conversation.clear_message_count();
  const db::Param params[] = {{"organization", organization}, {"uuid", conversation.uuid()}};
  RETURN_IF_ERROR(
      session.Execute("update conversations set message_count = 0 "
                      "where alma_internal_organization = :organization and uuid = :uuid",
                      params));
  return session.Execute(
      "delete from conversation_participants "
      "where alma_internal_organization = :organization and conversation_uuid = :uuid",
      params);
}

tenant::Column<v1::Conversation> AgentsColumn() {
  return {"agents",
          [](db::Row& row, v1::Conversation& conversation) {
            *conversation.mutable_agents() = row.Texts();
          },
          [](std::string_view name, const v1::Conversation& conversation) {
            return conversation.agents().empty() ? db::Param::Null(name)
                                                 : db::Param(name, conversation.agents());
          }};
}

tenant::Column<v1::Conversation> ExternalParticipantsColumn() {
  return {"external_participants",
          [](db::Row& row, v1::Conversation& conversation) {
            *conversation.mutable_external_participants() = row.Texts();
          },
          [](std::string_view name, const v1::Conversation& conversation) {
            return db::Param(name, conversation.external_participants());
          }};
}

// Never read: it follows from what is.
tenant::Column<v1::Conversation> ActivityMinuteColumn() {
  return {"activity_minute", nullptr,
          [](std::string_view name, const v1::Conversation& conversation) {
            return db::Param(name, ActivityMinute(conversation));
          }};
}

}  // namespace

Timestamp ActivityMinute(const v1::Conversation& conversation) {
  return Minute(conversation.has_last_message_at() ? conversation.last_message_at()
                                                   : conversation.created_at());
}

const tenant::Table<v1::Conversation>& ConversationTable() {
  using tenant::Changing;
  using v1::Conversation;
  static const tenant::Table<Conversation> table({
      .name = "conversations",
      .resource = "conversation",
      .columns =
          {
              Changing(AgentsColumn()),
              Changing(ExternalParticipantsColumn()),
              tenant::Time<&Conversation::created_at, &Conversation::mutable_created_at>(
                  "created_at"),
              Changing(tenant::Time<&Conversation::updated_at, &Conversation::mutable_updated_at>(
                  "updated_at")),
              Changing(tenant::OptionalJson<&Conversation::has_meta_data, &Conversation::meta_data,
                                            &Conversation::mutable_meta_data>("meta_data")),
              tenant::Text<&Conversation::origin, &Conversation::mutable_origin>("origin"),
              tenant::OptionalText<&Conversation::external_id, &Conversation::mutable_external_id>(
                  "external_id"),
              tenant::Number<&Conversation::message_count, &Conversation::set_message_count>(
                  "message_count"),
              tenant::OptionalTime<&Conversation::has_last_message_at,
                                   &Conversation::last_message_at,
                                   &Conversation::mutable_last_message_at>("last_message_at"),
              tenant::OptionalNumber<&Conversation::has_last_message_index,
                                     &Conversation::last_message_index,
                                     &Conversation::set_last_message_index>("last_message_index"),
              ActivityMinuteColumn(),
          },
      .on_create = JoinAll,
      .on_update = Move,
      .on_delete = Erase,
  });
  return table;
}

absl::Status UncountMessage(db::Session& session, std::string_view organization,
                            std::string_view uuid) {
  return session.ExecuteLater(
      "update conversations set message_count = message_count - 1 "
      "where alma_internal_organization = :organization and uuid = :uuid",
      {{"organization", organization}, {"uuid", uuid}});
}

absl::Status AppendMessages(db::Session& session, std::string_view organization,
                            std::map<std::string, AppendedMessages>& by_conversation) {
  std::vector<std::pair<const std::string, AppendedMessages>*> appended;
  appended.reserve(by_conversation.size());
  for (auto& conversation : by_conversation) appended.push_back(&conversation);
  const db::ManyRows& update = AppendUpdate();
  std::vector<std::string_view> sqls;
  std::vector<std::vector<db::Param>> runs;
  for (const db::ManyRows::Group& group : update.AtLeast(session, appended.size())) {
    sqls.push_back(group.sql);
    std::vector<db::Param>& params = runs.emplace_back();
    params.reserve(3 * group.rows + 1);
    params.emplace_back("organization", organization);
    for (size_t i = 0; i < group.rows; ++i) {
      // The last one again is not counted again.
      const auto& [uuid, messages] = *appended[group.At(i)];
      auto name = update.names(i).begin();
      params.emplace_back(*name++, uuid);
      params.emplace_back(*name++, messages.count);
      params.emplace_back(*name, messages.latest);
    }
  }
  std::vector<std::vector<db::Param>> moves;
  bool all_known = true;
  RETURN_IF_ERROR(session.QueryEach(sqls, runs, [&](size_t, db::Row& row) {
    const auto conversation = by_conversation.find(std::string(row.Text()));
    all_known &= conversation != by_conversation.end();
    if (!all_known) return;
    AppendedMessages& messages = conversation->second;
    messages.first_index = row.Int64() - messages.count + 1;
    // Indexes hold the minute, so it has a statement of its own that most messages do without.
    const Timestamp minute = Minute(row.Time());
    if (minute.seconds() == row.Time().seconds()) return;
    moves.push_back({{"activity_minute", minute},
                     {"organization", organization},
                     {"uuid", conversation->first}});
  }));
  if (!all_known) return status::Internal();
  return MoveInLists(session, moves);
}

}  // namespace alma::conversations
