#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_split.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "common/auth/api_key.h"
#include "common/auth/scopes.h"
#include "tests/support/alma_server.h"
#include "tests/support/client.h"
#include "tests/system/conversations.h"

namespace alma::testing {
namespace {

constexpr absl::Duration kEnd = absl::Seconds(60);

using google::protobuf::Struct;

std::vector<std::string> BootstrapCommand(const AlmaStorage& storage) {
  return {"bootstrap", storage.location_flag(), "--organization=Escola Alma"};
}

// `json` must be what the mapping of `Resource` writes with the names of the proto.
template <typename Resource>
Resource ReadOriginalNames(const Struct& json) {
  for (const auto& [key, value] : json.fields()) {
    CAPTURE(key);
    CHECK(Resource::descriptor()->FindFieldByName(key) != nullptr);
  }
  std::string text;
  Resource resource;
  REQUIRE(google::protobuf::util::MessageToJsonString(json, &text).ok());
  REQUIRE(google::protobuf::util::JsonStringToMessage(text, &resource).ok());
  return resource;
}

// Path and content of everything in a folder.
std::map<std::string, std::string> Listing(const std::string& folder) {
  std::map<std::string, std::string> files;
  if (!std::filesystem::exists(folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    std::ifstream file(entry.path());
    files[entry.path()] = std::string(std::istreambuf_iterator<char>(file), {});
  }
  return files;
}

const std::set<std::string> kDatabases = {"organizations", "conversations", "agents",
                                          "analytics",     "events",        "follow_up"};

// How many steps `migrate` prints, all in `state`.
size_t CountSteps(const Finished& migrated, const std::string& state) {
  INFO(migrated.err);
  REQUIRE(migrated.exit_code == 0);
  const std::vector<std::string> lines = absl::StrSplit(migrated.out, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    CAPTURE(line);
    REQUIRE(words.size() >= 4);
    CHECK(kDatabases.count(words[0]) == 1);
    CHECK(std::stoi(words[1]) >= 1);
    CHECK(words.back() == state);
  }
  return lines.size();
}

TEST_CASE("bootstrap prints the first organization and a key with every scope which works") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const AlmaStorage storage(engine);
  const Finished ended = RunAlma(BootstrapCommand(storage));
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK(std::count(ended.out.begin(), ended.out.end(), '\n') == 1);
  Struct json;
  REQUIRE(google::protobuf::util::JsonStringToMessage(ended.out, &json).ok());
  CHECK(json.fields_size() == 3);
  const auto organization = ReadOriginalNames<organizations::v1::Organization>(
      json.fields().at("organization").struct_value());
  const auto api_key =
      ReadOriginalNames<organizations::v1::ApiKey>(json.fields().at("api_key").struct_value());
  const std::string secret = json.fields().at("secret").string_value();

  CHECK(organization.name() == "Escola Alma");
  CHECK(organization.active() == "ACTIVE");
  CHECK(api_key.organization_uuid() == organization.uuid());
  CHECK(api_key.scopes().size() == static_cast<int>(auth::kAllScopes.size()));
  CHECK(api_key.key_prefix() == secret.substr(0, 12));
  CHECK(auth::IsWellFormedApiKey(secret));

  AlmaServer server(storage);
  CHECK(CreateConversations(Client(server.channel(), secret), 1).size() == 1);
}

TEST_CASE("a second bootstrap fails and prints no key") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const AlmaStorage storage(engine);
  Bootstrap(storage);
  const Finished again = RunAlma(BootstrapCommand(storage));
  CHECK(again.exit_code == 1);
  CHECK(again.out.empty());
  CHECK_THAT(again.err, Catch::Matchers::Contains("exists already"));
}

TEST_CASE("two bootstraps at once on one PostgreSQL make one organization") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  Finished ended[2];
  InParallel(2, [&](int i) { ended[i] = RunAlma(BootstrapCommand(storage)); });
  INFO(ended[0].err << ended[1].err);
  CHECK(ended[0].exit_code + ended[1].exit_code == 1);
  CHECK(ended[0].out.empty() != ended[1].out.empty());
  const auto database = storage.Open("organizations");
  CHECK(SelectInt64(*database, "select count(*) from organizations") == 1);
  CHECK(SelectInt64(*database, "select count(*) from organizations.\"authorization\"") == 1);
}

TEST_CASE("a folder in use is refused to every other command that writes") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const AlmaServer server(storage);
  for (const Finished& ended :
       {RunAlma(BootstrapCommand(storage)), RunAlma({"migrate", storage.location_flag()}),
        Process(ServeCommand(storage, {})).Wait(kEnd)}) {
    CHECK(ended.exit_code == 1);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Catch::Matchers::Contains(storage.data_dir()) &&
                              Catch::Matchers::Contains("in use"));
  }
  CHECK(RunAlma({"migrate", "--dry_run", storage.location_flag()}).exit_code == 0);
}

TEST_CASE("migrate prints every step and a dry run changes nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const AlmaStorage storage(engine);
  const std::string location = storage.location_flag();
  const auto before = Listing(storage.folder());
  const size_t steps = CountSteps(RunAlma({"migrate", "--dry_run", location}), "pending");
  CHECK(steps > 10);
  CHECK(Listing(storage.folder()) == before);
  if (engine == db::Engine::kPostgresql) {
    const auto database = storage.Open("public");
    CHECK(SelectInt64(*database,
                      "select count(*) from pg_namespace where nspname in "
                      "('organizations', 'conversations')") == 0);
  }
  const size_t of_one =
      CountSteps(RunAlma({"migrate", "--service=conversations", location}), "applied");
  CHECK(of_one < steps);
  CHECK(CountSteps(RunAlma({"migrate", location}), "applied") == steps);
  CHECK(CountSteps(RunAlma({"migrate", "--dry_run", location}), "applied") == steps);
}

TEST_CASE("two migrators at once on an empty PostgreSQL both succeed") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  Finished ended[2];
  InParallel(2, [&](int i) { ended[i] = RunAlma({"migrate", storage.location_flag()}); });
  CHECK(CountSteps(ended[0], "applied") == CountSteps(ended[1], "applied"));
}

}  // namespace
}  // namespace alma::testing
