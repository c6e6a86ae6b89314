#include "tests/fuzz/services.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/db/migration.h"
#include "common/status/macros.h"
#include "services/agents/schema.h"
#include "services/agents/service.h"
#include "services/analytics/schema.h"
#include "services/analytics/service.h"
#include "services/conversations/schema.h"
#include "services/conversations/service.h"
#include "services/organizations/change_feed.h"
#include "services/organizations/key_uses.h"
#include "services/organizations/schema.h"
#include "services/organizations/service.h"
#include "tests/fuzz/require.h"

namespace alma::fuzz {
namespace {

const auth::Secrets& Secrets() {
  static const auto* const secrets = new auth::Secrets{{std::string(32, 's')}};
  return *secrets;
}

std::string MakeFolder() {
  std::string folder = (std::filesystem::temp_directory_path() / "alma_fuzz_XXXXXX").string();
  Require(mkdtemp(folder.data()) != nullptr, "no temporary folder");
  return folder;
}

std::vector<std::string> Tables(db::Database& database) {
  std::vector<std::string> tables;
  const auto read = database.Read(absl::InfiniteFuture(), [&](db::Session& session) {
    tables.clear();
    return session.Query(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and "
        "name <> 'schema_migrations'",
        {}, [&](db::Row& row) { tables.emplace_back(row.Text()); });
  });
  Require(read.ok() && !tables.empty(), "no tables");
  return tables;
}

}  // namespace

struct Services::Stored {
  explicit Stored(Services& services)
      : organizations(services.Open(organizations::Schema())),
        key_uses(*services.storages_.back().database),
        api_keys(*services.storages_.back().database, key_uses),
        changes(*services.storages_.back().database),
        conversations(services.Open(conversations::Schema())),
        messages(*services.storages_.back().database),
        agents(services.Open(agents::Schema())),
        analyses(services.Open(analytics::AnalyticsSchema())),
        events(services.Open(analytics::EventsSchema())),
        follow_ups(services.Open(analytics::FollowUpSchema())) {}

  organizations::Store organizations;
  organizations::KeyUses key_uses;
  organizations::ApiKeyStore api_keys;
  organizations::ChangeFeed changes;
  conversations::ConversationStore conversations;
  conversations::MessageStore messages;
  agents::AgentStore agents;
  analytics::AnalysisStore analyses;
  analytics::EventStore events;
  analytics::FollowUpStore follow_ups;
};

Services::Services()
    : folder_(MakeFolder()),
      workers_(/*threads=*/1, /*queue_limit=*/1),
      callers_(Secrets()),
      runtime_{workers_, callers_, metrics_, hold_},
      page_tokens_(Secrets()),
      stored_(std::make_unique<Stored>(*this)) {
  const auto on_change = [](const std::string&) {};
  Add(std::make_unique<organizations::OrganizationsService>(runtime_, stored_->organizations,
                                                            page_tokens_, on_change));
  Add(std::make_unique<organizations::ApiKeysService>(runtime_, stored_->api_keys, stored_->changes,
                                                      page_tokens_, on_change));
  Add(std::make_unique<conversations::ConversationsService>(runtime_, stored_->conversations,
                                                            page_tokens_));
  Add(std::make_unique<conversations::MessagesService>(runtime_, stored_->messages, page_tokens_));
  Add(std::make_unique<agents::AgentsService>(runtime_, stored_->agents, page_tokens_));
  Add(std::make_unique<analytics::AnalyticsService>(runtime_, stored_->analyses, page_tokens_));
  Add(std::make_unique<analytics::EventsService>(runtime_, stored_->events, page_tokens_));
  Add(std::make_unique<analytics::FollowUpsService>(runtime_, stored_->follow_ups, page_tokens_));
}

Services::~Services() = default;

db::Database& Services::Open(const db::Schema& schema) {
  const auto location = db::ParseLocation(absl::StrCat("sqlite://", folder_, "/"), schema.database);
  Require(location.ok(), "no location");
  auto database = std::make_unique<db::Database>(*location, schema, /*sessions=*/1);
  Require(db::Migrate(*database, /*dry_run=*/false).ok(), "no schema");
  std::vector<std::string> clear;
  for (const std::string& table : Tables(*database)) {
    clear.push_back(absl::StrCat("delete from \"", table, "\""));
  }
  storages_.push_back({std::move(database), std::move(clear)});
  return *storages_.back().database;
}

void Services::Add(std::unique_ptr<rpc::Service> service) {
  for (int i = 0; i < service->descriptor().method_count(); ++i) {
    const rpc::Method& method = *service->methods()[i];
    if (!rpc::Exists(method, runtime_)) continue;
    targets_.push_back({*service->descriptor().method(i), method});
  }
  services_.push_back(std::move(service));
}

const Target* Services::Find(std::string_view path) const {
  const auto found = std::find_if(targets_.begin(), targets_.end(),
                                  [&](const Target& target) { return target.method.path == path; });
  return found == targets_.end() ? nullptr : &*found;
}

void Services::Clear() {
  for (Storage& storage : storages_) {
    const auto cleared =
        storage.database->Write(absl::InfiniteFuture(), [&](db::Session& session) -> absl::Status {
          for (const std::string& sql : storage.clear) RETURN_IF_ERROR(session.Execute(sql));
          return absl::OkStatus();
        });
    Require(cleared.ok(), "databases do not become empty");
  }
}

}  // namespace alma::fuzz
