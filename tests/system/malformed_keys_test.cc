#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/auth/api_key.h"
#include "tests/bench/load/load.h"
#include "tests/support/alma_server.h"
#include "tests/support/eventually.h"
#include "tests/system/conversations.h"
#include "tests/system/memory.h"
#include "tests/system/metrics.h"

// A flood of what was never a key, at the door of a gateway.
namespace alma::testing {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int kKeys = 100'000;
#else
constexpr int kKeys = 1'000'000;
#endif
// Those of one run of the load; after the first the gateway has all that it needs.
constexpr int kRun = 50'000;
// 17 bytes of each key.
constexpr int64_t kMaxGrowthKib = 16 * 1024 + kQuarantineKib;
constexpr absl::Duration kPatience = absl::Minutes(5);
constexpr size_t kDigits = 43;

using Random = std::minstd_rand;

char Digit(Random& random) {
  static constexpr std::string_view kDigitsOfKeys =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return kDigitsOfKeys[random() % kDigitsOfKeys.size()];
}

std::string Digits(Random& random, size_t count) {
  std::string digits(count, '0');
  for (char& digit : digits) digit = Digit(random);
  return digits;
}

std::string WithWrongPrefix(Random& random) {
  static const std::vector<std::string> prefixes = {"Alma_", "alma-", "elma_", "almaa", ""};
  return prefixes[random() % prefixes.size()] + auth::NewApiKey().substr(5);
}

std::string WithWrongLength(Random& random) {
  size_t length = random() % 200;
  if (length == kDigits) ++length;
  return absl::StrCat("alma_", Digits(random, length), "_", Digits(random, 6));
}

std::string WithWrongChecksum(Random& random) {
  std::string key = auth::NewApiKey();
  char& digit = key[key.size() - 1 - random() % 6];
  digit = digit == '0' ? '1' : '0';
  return key;
}

// Of those that an HTTP/2 header may have.
std::string WithOtherBytes(Random& random) {
  static constexpr std::string_view kOthers = "!#$%&'()*+,-./:;<=>?@[\\]^`{|}~";
  std::string key = auth::NewApiKey();
  key[5 + random() % kDigits] = kOthers[random() % kOthers.size()];
  return key;
}

// As headers have them.
std::vector<std::string> MalformedKeys(int count) {
  static const std::vector<std::string (*)(Random&)> kinds = {WithWrongPrefix, WithWrongLength,
                                                              WithWrongChecksum, WithOtherBytes};
  Random random(1);
  std::vector<std::string> keys;
  keys.reserve(count);
  int well_formed = 0;
  for (int i = 0; i < count; ++i) {
    const std::string key = kinds[i % kinds.size()](random);
    if (auth::IsWellFormedApiKey(key)) ++well_formed;
    keys.push_back("Bearer " + key);
  }
  REQUIRE(well_formed == 0);
  return keys;
}

// A gateway before organizations and conversations, and what the two that matter say of themselves.
class Door {
 public:
  Door() : first_(Bootstrap(storage_)) {
    const std::string secrets = "--principal_secret_file=" + storage_.secret_file();
    std::vector<std::string> flags = {secrets, "--metrics_listen=" + gateway_metrics_,
                                      "--log_level=warning"};
    for (const std::string name : {"organizations", "conversations"}) {
      const std::string socket = absl::StrCat("unix:", storage_.folder(), "/", name);
      std::vector<std::string> own = {secrets, storage_.location_flag(), "--listen=" + socket};
      if (name == "organizations") own.push_back("--metrics_listen=" + metrics_);
      services_.push_back(std::make_unique<AlmaServer>(ServerCommand("alma-" + name, own)));
      flags.push_back(absl::StrCat("--", name, "=", socket));
    }
    gateway_ = std::make_unique<AlmaServer>(ServerCommand("alma-gateway", flags));
  }

  Client WithKey(const std::string& key) const { return {gateway_->channel(), key}; }
  const std::string& key() const { return first_.secret; }
  const std::string& address() const { return gateway_->address(); }
  int64_t ResidentKib() { return testing::ResidentKib(gateway_->process().pid()); }
  // Looked up at the gateway, and asked for at organizations.
  int64_t LookedUp() const { return Sum(Metrics(gateway_metrics_), "alma_key_lookups_total"); }
  int64_t AskedFor() const { return AnsweredCalls(Metrics(metrics_), "/VerifyApiKey"); }

 private:
  const AlmaStorage storage_{db::Engine::kPostgresql};
  const Bootstrapped first_;
  const std::string metrics_ = FreeAddress();
  const std::string gateway_metrics_ = FreeAddress();
  std::vector<std::unique_ptr<AlmaServer>> services_;
  std::unique_ptr<AlmaServer> gateway_;
};

grpc::Status List(const Client& client) {
  conversations::v1::ListConversationsRequest request;
  request.set_page_size(1);
  return client.Call(&conversations::v1::ConversationsService::Stub::ListConversations, request)
      .status;
}

// The next kRun calls; how many were UNAUTHENTICATED.
int64_t Refused(const Door& door, bench::Workload& workload) {
  bench::LoadOptions options;
  options.connections = 8;
  options.in_flight = 512;
  options.calls = kRun;
  const auto load = bench::Load::Create(door.address(), options, /*keep_answers=*/false);
  REQUIRE(load.ok());
  const auto result = (*load)->Run(workload);
  INFO(result.status());
  REQUIRE(result.ok());
  CHECK(result->calls == 0);
  CHECK(result->errors.size() == 1);
  const auto refused = result->errors.find(grpc::StatusCode::UNAUTHENTICATED);
  return refused == result->errors.end() ? 0 : refused->second;
}

TEST_CASE("a million malformed keys ask organizations for nothing and leave nothing behind",
          "[long]") {
  Door door;
  REQUIRE(List(door.WithKey(door.key())).ok());
  const int64_t looked_up = door.LookedUp();
  REQUIRE(looked_up > 0);
  REQUIRE(Eventually([&] { return door.AskedFor() == looked_up; }));

  bench::WorkloadOptions work;
  work.calls = "conversations";
  work.authorizations = MalformedKeys(kKeys);
  auto workload = bench::Workload::Create(work);
  REQUIRE(workload.ok());
  const absl::Time begun = absl::Now();
  int64_t refused = Refused(door, *workload);
  const int64_t before = door.ResidentKib();
  int64_t growth = 0;
  for (int made = kRun; made < kKeys; made += kRun) {
    REQUIRE(absl::Now() - begun < kPatience);
    refused += Refused(door, *workload);
    growth = std::max(growth, door.ResidentKib() - before);
  }
  WARN("grew by " << growth << " KiB in " << absl::FormatDuration(absl::Now() - begun));
  CHECK(refused == kKeys);
  CHECK(growth < kMaxGrowthKib);
  CHECK(door.LookedUp() == looked_up);
  CHECK(door.AskedFor() == looked_up);

  // One that could be a key is asked for.
  CHECK(List(door.WithKey(auth::NewApiKey())).error_code() == grpc::StatusCode::UNAUTHENTICATED);
  CHECK(door.LookedUp() == looked_up + 1);
  CHECK(Eventually([&] { return door.AskedFor() == looked_up + 1; }));
  CHECK(List(door.WithKey(door.key())).ok());
}

}  // namespace
}  // namespace alma::testing
