#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "catch2/catch.hpp"

// docs/limits.md against the sources that it names.
namespace alma {
namespace {

struct Limit {
  const char* file;
  // A constant, a flag, or what else holds the limit.
  const char* name;
  // Its value as the file has it; where it is neither constant nor flag, the text that holds it.
  const char* source;
  // What the document says of it.
  const char* said;
};

const std::vector<Limit> kLimits = {
    {"common/auth/api_key.cc", "kSecretBytes", "32", "256 bits"},
    {"common/auth/api_key.cc", "kSecretDigits", "43", "55 characters;"},
    {"common/auth/api_key.cc", "kChecksumDigits", "6", "55 characters;"},
    {"common/auth/api_key.cc", "kPrefixSize", "12", "12 characters"},
    {"common/auth/authenticator.h", "kRemember", "absl::Seconds(1)", "else 1 s"},
    {"common/auth/authenticator.h", "kWithoutStore", "absl::Seconds(30)", "30 s"},
    {"common/auth/authenticator.h", "kSilenceMillis", "1200", "1.2 s,"},
    {"common/auth/authenticator.cc", "kMaxOvertaken", "10", "10,"},
    {"common/auth/authenticator.cc", "kMaxRenewals", "10'000", "10,000,"},
    {"common/auth/authenticator.cc", "kCheckTimeout", "absl::Seconds(5)", "5 s"},
    {"common/auth/authenticator.h", "kAskAgain", "absl::Milliseconds(500)", "500 ms"},
    {"common/auth/authenticator.h", "kEndedWithinMillis", "2000", "2 s"},
    {"common/auth/authenticator.h", "kCheckEveryMillis", "200", "200 ms"},
    {"common/auth/authenticator.h", "kRenewEvery", "absl::Minutes(1)", "1 a minute"},
    {"common/auth/authenticator.h", "kCapacity", "100'000", "100,000;"},
    {"common/auth/key_cache.h", "kUnknownKeys", "4096", "4096,"},
    {"common/auth/key_cache.h", "kRememberUnknown", "absl::Seconds(1)", "for 1 s"},
    {"common/auth/newest.h", "kNames", "4096", "4096 each,"},
    {"common/auth/principal.h", "kPrincipalClockSkew", "absl::Seconds(30)", "30 s"},
    {"common/auth/secret_file.cc", "kMinSecretBytes", "32", "32 bytes;"},
    {"common/auth/verified_principals.h", "kCapacity", "16'384", "16,384,"},
    {"common/auth/verified_principals.h", "kMaxBytes", "16 * 1024 * 1024", "16 MiB;"},
    {"common/auth/secret_file.cc", "kMaxFileBytes", "64 * 1024", "64 KiB"},
    {"common/db/database.cc", "kLongestBackoff", "absl::Milliseconds(50)", "to 50 ms"},
    {"common/db/database.cc", "kLookEvery", "absl::Milliseconds(200)", "every 200 ms;"},
    {"common/db/database.cc", "kSeenRecently", "absl::Milliseconds(900)", "for 900 ms"},
    {"common/db/dialect.h", "kLockTimeout", "absl::Milliseconds(100)", "100 ms,"},
    {"common/db/dialect.h", "kPatientLockTimeout", "absl::Seconds(1)", "1 s"},
    {"common/db/lane.h", "kMaxRests", "2", "2,"},
    {"common/db/lanes.h", "kMaxLaneWrites", "4096", "4096,"},
    {"common/db/lanes.h", "kMaxLaneBytes", "64 * 1024 * 1024", "64 MiB"},
    {"common/db/lanes.h", "kRetryFullLane", "absl::Milliseconds(100)", "100 ms,"},
    {"common/db/lanes.h", "kMaxRoundWrites", "256", "256,"},
    {"common/db/lanes.h", "kMaxRoundBytes", "4 * 1024 * 1024", "4 MiB"},
    {"common/db/migration.cc", "kStepTimeout", "absl::Minutes(10)", "10 min"},
    {"common/db/page.h", "kAssumedRowBytes", "4 * 1024", "4 KiB"},
    {"common/db/page.h", "kMaxPageBytes", "3 * 1024 * 1024", "3 MiB"},
    {"common/db/page.h", "kMaxRowsPerQuery", "64", "64"},
    {"common/db/pool.cc", "kConnectPause", "absl::Milliseconds(200)", "200 ms"},
    {"common/db/postgresql.cc", "statement_timeout", "set statement_timeout to 30000;", "30 s"},
    {"common/db/postgresql.cc", "idle_in_transaction_session_timeout",
     "set idle_in_transaction_session_timeout to 30000;", "30 s"},
    {"common/db/postgresql.cc", "connect_timeout", "connect_timeout='3'", "3 s"},
    {"common/db/postgresql.cc", "keepalives_idle", "keepalives_idle='10'", "after 10 s,"},
    {"common/db/postgresql.cc", "keepalives_count", "keepalives_count='3'", "then 3"},
    {"common/db/postgresql.cc", "keepalives_interval", "keepalives_interval='5'", "every 5 s;"},
    {"common/db/postgresql.cc", "tcp_user_timeout", "tcp_user_timeout='10000'", "data 10 s"},
    {"common/db/postgresql.cc", "AdvisePlanner", "set_config('lock_timeout', '5s', true)", "5 s,"},
    {"common/db/session.cc", "kPlansLast", "absl::Seconds(10)", "10 s,"},
    {"common/db/session.cc", "kLongestStatement", "absl::Minutes(10)", "at most 10 min"},
    {"common/db/sqlite.cc", "kBusyTimeoutMillis", "500", "500 ms,"},
    {"common/db/sqlite.cc", "kWalPatience", "absl::Seconds(5)", "5 s"},
    {"common/db/sqlite.cc", "kWriterCacheKib", "64 * 1024", "64 MiB"},
    {"common/db/sqlite.cc", "kCheckpointPages", "8000", "8000 pages,"},
    {"common/limit/congestion_window.h", "kLeft", "0.8", "0.8"},
    {"common/limit/congestion_window.h", "kMinCalls", "16", "16"},
    {"common/limit/congestion_window.h", "kDoubles", "absl::Seconds(1)", "each second;"},
    {"common/limit/limiter.h", "kRetryConcurrency", "absl::Milliseconds(100)", "100 ms,"},
    {"common/limit/limiter.h", "kMaxKeys", "131'072", "131,072"},
    {"common/limit/pace.h", "TooLong", "wait > left / 2", "half of"},
    {"common/rpc/answer.h", "kMaxBytesAtOnce", "64 * 1024", "64 KiB,"},
    {"common/rpc/call_record.cc", "kMaxIdLength", "128", "128"},
    {"common/rpc/call_record.h", "kTimeToTake", "absl::Seconds(1)", "1 s"},
    {"common/rpc/connection.h", "kMaxMessageBytes", "4 * 1024 * 1024", "4 MiB,"},
    {"common/rpc/connection.h", "kMaxMetadataBytes", "8 * 1024", "8 KiB,"},
    {"common/rpc/connection.h", "kMaxStreamsPerConnection", "256", "256;"},
    {"common/rpc/connection.h", "kHandshakeTimeoutMillis", "10'000", "after 10 s"},
    {"common/rpc/connection.h", "kMaxIdleMillis", "15 * 60'000", "15 min"},
    {"common/rpc/connection.h", "kServerKeepaliveTimeMillis", "60'000", "after 60 s"},
    {"common/rpc/connection.h", "kServerKeepaliveTimeoutMillis", "20'000", "20 s later"},
    {"common/rpc/connection.h", "kMaxConnectionAgeMillis", "30 * 60'000", "30 min,"},
    {"common/rpc/connection.h", "kMinPingIntervalMillis", "5'000", "every 5 s"},
    {"common/rpc/connection.h", "kGatewayCallsPerConnection", "200", "200,"},
    {"common/rpc/connection.h", "kMinReconnectPauseMillis", "100", "100 to"},
    {"common/rpc/connection.h", "kMaxReconnectPauseMillis", "500", "to 500 ms"},
    {"common/rpc/connection.h", "kConnectTimeoutMillis", "2'000", "2 s,"},
    {"common/rpc/connection.h", "kGatewayKeepaliveTimeMillis", "10'000", "after 10 s"},
    {"common/rpc/connection.h", "kGatewayKeepaliveTimeoutMillis", "5'000", "5 s later"},
    {"common/rpc/inflate.cc", "Inflate", "> size_t{kMaxMessageBytes}", "as many"},
    {"common/rpc/parse.cc", "WalkInt32", "WalkInt32(const std::string& path)", "32 bits;"},
    {"common/rpc/parse.cc", "kMaxNesting", "100", "100 levels"},
    {"common/rpc/process.cc", "--workers", "8", "8"},
    {"common/rpc/process.cc", "--queue_limit", "1024", "1024,"},
    {"common/rpc/process.cc", "--default_deadline", "absl::Seconds(30)", "30 s"},
    {"common/rpc/process.cc", "--drain_notice", "absl::Milliseconds(500)", "500 ms"},
    {"common/rpc/process.cc", "--drain_timeout", "absl::Seconds(10)", "10 s,"},
    {"common/rpc/process.cc", "kThreadCaches", "8 * 1024 * 1024", "8 MiB"},
    {"common/rpc/process.cc", "kEndAfterDrain", "absl::Seconds(3)", "3 s,"},
    {"common/rpc/process.cc", "RaiseFileLimit", "limit.rlim_cur = limit.rlim_max;",
     "the system's hard limit,"},
    {"common/rpc/server.cc", "kHoldBefore", "absl::Milliseconds(50)", "some 150 ms,"},
    {"common/rpc/server.cc", "kHoldAfter", "absl::Milliseconds(100)", "some 150 ms,"},
    {"common/rpc/server.cc", "kReportHealthEvery", "absl::Milliseconds(100)", "every 100 ms"},
    {"common/rpc/stream.h", "kMaxItems", "1000", "1000 or"},
    {"common/rpc/stream.h", "kMaxBytes", "4 * 1024 * 1024", "4 MiB,"},
    {"common/rpc/stream.h", "kMaxBytesOfAll", "64 * 1024 * 1024", "64 MiB;"},
    {"common/rpc/stream.h", "kCrowdedBytes", "64 * 1024", "64 KiB for each"},
    {"common/rpc/tls.h", "kLookEvery", "absl::Seconds(1)", "every 1 s;"},
    {"common/rpc/tls_files.cc", "kMaxFileBytes", "1024 * 1024", "1 MiB"},
    {"common/rpc/trace.cc", "kParentBytes", "55", "55 characters"},
    {"common/rpc/trace.h", "kMaxTraceStateBytes", "512", "512 bytes"},
    {"common/rpc/worker_pool.h", "kMaxOfGroup", "2", "2,"},
    {"common/rpc/worker_pool.h", "kMinRetry", "absl::Milliseconds(100)", "100 ms to"},
    {"common/rpc/worker_pool.h", "kMaxRetry", "absl::Seconds(2)", "to 2 s,"},
    {"common/serve/connections.cc", "kAnswerWithin", "absl::Seconds(3)", "3 s,"},
    {"common/serve/connections.h", "kMaxPercentOfConnections", "50", "50 %"},
    {"common/serve/databases.cc", "--write_lanes", "2", "2 (1 to 64)"},
    {"common/serve/databases.cc", "LogConnections",
     "LogConnections(databases, sessions + lanes + 2)", "+ 2 for each database,"},
    {"common/serve/limits.cc", "--key_rate", "50'000", "50,000 a second"},
    {"common/serve/limits.cc", "--key_burst", "0", "those of a second"},
    {"common/serve/limits.cc", "--organization_concurrency", "400", "400:"},
    {"common/status/status.cc", "DatabaseUnavailable", "absl::Seconds(1)", "1 s"},
    {"common/status/status.cc", "BackendUnavailable", "absl::Seconds(1)", "1 s"},
    {"common/status/status.cc", "kMaxMessageBytes", "512", "512;"},
    {"common/status/status.cc", "kMaxFieldBytes", "200", "200;"},
    {"common/status/status.cc", "kMaxDescriptionBytes", "200", "200 bytes"},
    {"common/status/status.h", "kMaxListedViolations", "16", "16"},
    {"common/status/status.h", "kMaxDetailsBytes", "4096", "4 KiB"},
    {"common/tenant/create_batch.h", "kLookUpItems", "128", "128"},
    {"common/tenant/gets.h", "kMaxGetsTogether", "32", "32,"},
    {"common/tenant/queued_get.h", "kMaxGotAtATime", "4", "4 rows"},
    {"common/tenant/requests.h", "kMaxBatchCreate", "1000", "1000 items"},
    {"common/tenant/requests.h", "kMaxBatchGet", "100", "100 uuids"},
    {"common/text/checks.h", "kMaxNameCodePoints", "256", "256 code points"},
    {"common/text/checks.h", "kMaxWordCodePoints", "64", "64 code points"},
    {"common/text/checks.h", "kMaxContentBytes", "256 * 1024", "256 KiB"},
    {"common/text/checks.h", "kMaxStructBytes", "64 * 1024", "64 KiB"},
    {"common/text/checks.h", "kMaxStructLevels", "16", "16 levels"},
    {"common/text/checks.h", "kDefaultPageSize", "50", "50 when 0;"},
    {"common/text/checks.h", "kMaxPageSize", "1000", "above 1000 it is 1000;"},
    {"common/text/struct_checks.cc", "kMaxExactInteger", "9007199254740992.0", "±2^53;"},
    {"common/text/timestamp.h", "kMinTimestampSeconds", "-62135596800", "years 0001"},
    {"common/text/timestamp.h", "kMaxTimestampSeconds", "253402300799", "to 9999;"},
    {"services/alma/principal.cc", "--ttl", "absl::Minutes(1)", "60 s,"},
    {"services/alma/principal.cc", "kMaxTtl", "absl::Hours(1)", "1 h"},
    {"services/analytics/payload_json.cc", "CheckPayload", "text::kMaxStructBytes", "64 KiB"},
    {"services/analytics/payload_types.cc", "CheckUpperSnake",
     "word.size() > text::kMaxWordCodePoints", "64 letters"},
    {"services/conversations/message_import.h", "kMaxRefusedItems", "1000", "1000,"},
    {"services/conversations/conversation_rows.cc", "kMovesAtATime", "1000", "1000"},
    {"services/conversations/message_store.cc", "kExportRows", "500", "500,"},
    {"services/conversations/validate.cc", "kMaxParticipants", "100", "100"},
    {"services/conversations/validate_messages.cc", "kMaxLinkCodePoints", "2048",
     "2048 code points"},
    {"services/gateway/backend.h", "kMaxConnections", "64", "64,"},
    {"services/gateway/forwarding.h", "kPatience", "absl::Milliseconds(500)", "500 ms"},
    {"services/gateway/forwarding.h", "kRetryFullWindow", "absl::Milliseconds(100)", "100 ms,"},
    {"services/gateway/health.h", "kAskEvery", "absl::Milliseconds(200)", "every 200 ms;"},
    {"services/gateway/health.h", "kAnswerWithin", "absl::Milliseconds(500)", "after 500 ms"},
    {"services/gateway/health.h", "kMissesUntilGone", "3", "three of these"},
    {"services/gateway/key_feed.h", "kMinPause", "absl::Milliseconds(100)", "every 100 to"},
    {"services/gateway/key_feed.h", "kMaxPause", "absl::Milliseconds(500)", "to 500 ms"},
    {"services/gateway/key_store.h", "kTimeout", "absl::Seconds(2)", "2 s,"},
    {"services/gateway/key_store.h", "kAttemptTimeout", "absl::Milliseconds(700)", "0.7 s"},
    {"services/gateway/principals.h", "kUse", "absl::Minutes(1)", "for 1 min,"},
    {"services/gateway/principals.h", "kLifetime", "absl::Minutes(2)", "for 2 min"},
    {"services/gateway/principals.h", "kCapacity", "100'000", "100,000;"},
    {"services/organizations/change_feed.h", "kKept", "1000", "1000 each"},
    {"services/organizations/change_feed.h", "kRowsPerPage", "1000", "1000 each"},
    {"services/organizations/change_feed.h", "kLookEvery", "absl::Milliseconds(250)",
     "every 250 ms"},
    {"services/organizations/change_feed.h", "kReadTimeout", "absl::Seconds(2)", "2 s each"},
    {"services/organizations/change_feed.h", "kHeartbeatEvery", "absl::Milliseconds(500)",
     "every 500 ms"},
    {"services/organizations/change_feed.h", "kFreshMillis", "500", "more than 500 ms"},
    {"services/organizations/key_uses.h", "kWriteEvery", "absl::Minutes(1)", "once a minute,"},
    {"services/organizations/key_uses.h", "kGather", "absl::Seconds(1)", "for 1 s,"},
    {"services/organizations/key_uses.h", "kKeysPerWrite", "256", "256 keys"},
    {"services/organizations/key_uses.h", "kWriteTimeout", "absl::Seconds(2)", "at most 2 s"},
    {"services/organizations/key_uses.h", "kCapacity", "100'000", "100,000;"},
    {"services/organizations/service.cc", "kFollowerThreads", "2", "2;"},
    {"services/organizations/service.cc", "kMaxWaitingFollowers", "1024", "1024"},
    {"services/organizations/validate.cc", "kMaxGraceSeconds", "7 * 24 * 60 * 60", "7 days;"},
    {"services/organizations/validate.cc", "kDefaultGraceSeconds", "24 * 60 * 60", "24 hours"},
    {"services/organizations/validate.cc", "kSha256Bytes", "32", "32 bytes"},
};

using Key = std::pair<std::string, std::string>;

// One limit that a row of the document names, and what the row says.
struct Documented {
  Key key;
  std::string said;
};

std::string Read(const std::string& path) {
  std::ifstream file(absl::StrCat(ALMA_SOURCE_DIR, "/", path));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Trimmed(std::string text) {
  absl::StripAsciiWhitespace(&text);
  return text;
}

// With single spaces, whatever lines it stood on.
std::string OneLine(const std::string& text) {
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  return absl::StrJoin(words, " ");
}

// Of "`kA`, `kB`, a.h; `kC`, b.h" the three.
std::vector<Key> KeysOf(const std::string& where) {
  std::vector<Key> keys;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(where, ';'))) {
    const std::vector<std::string> words = absl::StrSplit(part, '`');
    if (words.size() == 1) continue;
    const std::string& behind = words.back();
    const std::string file = Trimmed(behind.substr(behind.find(',') + 1));
    for (size_t i = 1; i < words.size(); i += 2) keys.emplace_back(file, words[i]);
  }
  return keys;
}

// All limits of the document; `unnamed` are the last columns of rows that name none.
std::vector<Documented> Document(std::vector<std::string>* unnamed) {
  std::vector<Documented> documented;
  for (const std::string& row :
       std::vector<std::string>(absl::StrSplit(Read("docs/limits.md"), '\n'))) {
    const std::vector<std::string> cells = absl::StrSplit(row, '|');
    if (cells.size() < 5 || cells[1] == " what " || absl::StartsWith(cells[1], "---")) continue;
    CAPTURE(row);
    REQUIRE(cells.size() == 5);
    const std::vector<Key> keys = KeysOf(cells[3]);
    for (const Key& key : keys) documented.push_back({key, cells[2]});
    if (keys.empty()) unnamed->push_back(Trimmed(cells[3]));
  }
  return documented;
}

// How a file defines a constant or a flag of this value.
std::string Definition(const Limit& limit) {
  const std::string name = limit.name;
  if (absl::StartsWith(name, "--")) {
    return absl::StrCat(" ", name.substr(2), ", ", limit.source, ",");
  }
  if (absl::StartsWith(name, "k") && absl::ascii_isupper(static_cast<unsigned char>(name[1]))) {
    return absl::StrCat(" ", name, " = ", limit.source, ";");
  }
  return limit.source;
}

TEST_CASE("every limit that is documented has the value that the document says") {
  std::map<Key, const Limit*> known;
  for (const Limit& limit : kLimits) {
    CAPTURE(limit.file, limit.name);
    CHECK(known.emplace(Key(limit.file, limit.name), &limit).second);
    CHECK_THAT(OneLine(Read(limit.file)), Catch::Matchers::Contains(Definition(limit)));
  }
  std::map<Key, int> rows;
  std::vector<std::string> unnamed;
  for (const Documented& documented : Document(&unnamed)) {
    CAPTURE(documented.key.first, documented.key.second, documented.said);
    ++rows[documented.key];
    const auto limit = known.find(documented.key);
    REQUIRE(limit != known.end());
    CHECK(absl::StrContains(documented.said, absl::StrCat(" ", limit->second->said)));
  }
  for (const Limit& limit : kLimits) {
    CAPTURE(limit.file, limit.name);
    CHECK(rows[Key(limit.file, limit.name)] >= 1);
  }
  // What bounds these is no number.
  CHECK(unnamed == std::vector<std::string>{"[decision 0024](decisions/0024-limits.md)", "",
                                            "services/gateway/stream_proxy.h"});
}

TEST_CASE("every limit of connections is documented") {
  size_t constants = 0;
  for (const std::string& line :
       std::vector<std::string>(absl::StrSplit(Read("common/rpc/connection.h"), '\n'))) {
    if (!absl::StartsWith(line, "inline constexpr int k")) continue;
    ++constants;
    const size_t begin = line.find(" k") + 1;
    const std::string name = line.substr(begin, line.find(' ', begin) - begin);
    CAPTURE(name);
    int documented = 0;
    for (const Limit& limit : kLimits) {
      if (std::string_view(limit.file) == "common/rpc/connection.h" && limit.name == name) {
        ++documented;
      }
    }
    CHECK(documented == 1);
  }
  CHECK(constants > 0);
}

}  // namespace
}  // namespace alma
