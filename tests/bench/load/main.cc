#include <sys/resource.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/status/macros.h"
#include "tests/bench/load/load.h"
#include "tests/bench/load/program.h"

ABSL_FLAG(std::string, target, "", "Where to call: unix:/path or IPv4:port.");
ABSL_FLAG(std::string, calls, "create",
          "Kinds of calls with their weights: create, bad (a create that finds no conversation), "
          "batch, get, list, conversations; \"create:5,get:3\".");
ABSL_FLAG(std::string, organization, "", "Organization of signed principals.");
ABSL_FLAG(int64_t, organizations, 1, "More than 1: calls of this many organizations in turn.");
ABSL_FLAG(int64_t, conversations, 1, "Conversations there are.");
ABSL_FLAG(int64_t, messages, 1, "Messages there are to get.");
ABSL_FLAG(int, page_size, 50, "Rows that a list asks for.");
ABSL_FLAG(int, batch_size, 1000, "Messages of a batch.");
ABSL_FLAG(int, page, 1, "Page of a list, reached by its tokens before time counts.");
ABSL_FLAG(std::string, key_file, "", "File with the API key of the calls.");
ABSL_FLAG(std::string, principal_secret_file, "", "Instead of a key: the secret of principals.");
ABSL_FLAG(int, connections, 4, "Connections that the calls are spread over.");
ABSL_FLAG(int, in_flight, 64, "Calls under way at any time (closed loop).");
ABSL_FLAG(double, rate, 0, "Instead of that: calls per second (open loop).");
ABSL_FLAG(absl::Duration, deadline, absl::ZeroDuration(), "Of each call; 0: none.");
ABSL_FLAG(absl::Duration, warmup, absl::Seconds(1), "Time that is not counted.");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(5), "Time that is.");
ABSL_FLAG(int64_t, number, 0, "Instead of a time: so many calls.");
ABSL_FLAG(absl::Duration, until_ok, absl::ZeroDuration(),
          "Tries one call every millisecond, for at most this long, until it succeeds, and prints "
          "the monotonic clock then.");

namespace alma::bench {
namespace {

constexpr char kUsage[] =
    "makes calls to Alma and prints as JSON how many were answered, and how fast.";

// None without a file.
absl::StatusOr<std::vector<std::string>> BearerTokens() {
  const std::string path = absl::GetFlag(FLAGS_key_file);
  if (path.empty()) return std::vector<std::string>();
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return absl::NotFoundError("cannot read " + path);
  char key[256];
  const bool read = std::fscanf(file, "%255s", key) == 1;
  std::fclose(file);
  if (!read) return absl::NotFoundError("no key in " + path);
  return std::vector<std::string>{absl::StrCat("Bearer ", key)};
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Print(const LoadResult& result) {
  const auto micros = [&](double fraction) {
    return static_cast<double>(result.latency.Percentile(fraction)) / 1e3;
  };
  const double seconds = absl::ToDoubleSeconds(result.counted);
  const std::string errors =
      absl::StrJoin(result.errors, ",", [](std::string* out, const auto& error) {
        absl::StrAppend(out, "\"", error.first, "\":", error.second);
      });
  absl::PrintF(
      R"({"calls":%d,"calls_in_all":%d,"errors":{%s},"late":%d,"unanswered":%d,"seconds":%.6f,)"
      R"("per_second":%.3f,"answered_per_second":%.3f,"mean_us":%.3f,"p50_us":%.3f,)"
      R"("p90_us":%.3f,"p99_us":%.3f,"p999_us":%.3f,"max_us":%.3f,)"
      R"("client_cpu_seconds":%.3f})"
      "\n",
      result.calls, result.calls_in_all, errors, result.late, result.unanswered, seconds,
      static_cast<double>(result.calls) / seconds,
      static_cast<double>(result.answered_meanwhile) / seconds, result.latency.Mean() / 1e3,
      micros(0.5), micros(0.9), micros(0.99), micros(0.999),
      static_cast<double>(result.latency.max()) / 1e3, CpuSeconds());
}

absl::Status WaitUntilOk(const LoadOptions& options, Workload& workload) {
  const absl::Time until = absl::Now() + absl::GetFlag(FLAGS_until_ok);
  absl::Status last;
  while (absl::Now() < until) {
    const auto load = Load::Create(absl::GetFlag(FLAGS_target), options, /*keep_answers=*/false);
    last = load.ok() ? (*load)->Call(workload.Next()).status() : load.status();
    if (last.ok()) {
      timespec now{};
      clock_gettime(CLOCK_MONOTONIC, &now);
      absl::PrintF("{\"monotonic_seconds\":%d.%09d}\n", now.tv_sec, now.tv_nsec);
      return last;
    }
    absl::SleepFor(absl::Milliseconds(1));
  }
  return last;
}

absl::Status Run() {
  WorkloadOptions work;
  work.calls = absl::GetFlag(FLAGS_calls);
  work.organization = absl::GetFlag(FLAGS_organization);
  work.organizations = absl::GetFlag(FLAGS_organizations);
  work.conversations = absl::GetFlag(FLAGS_conversations);
  work.messages = absl::GetFlag(FLAGS_messages);
  work.page_size = absl::GetFlag(FLAGS_page_size);
  work.batch_size = absl::GetFlag(FLAGS_batch_size);
  work.principal_secret_file = absl::GetFlag(FLAGS_principal_secret_file);
  ASSIGN_OR_RETURN(work.authorizations, BearerTokens());
  ASSIGN_OR_RETURN(Workload workload, Workload::Create(work));

  LoadOptions options;
  options.connections = absl::GetFlag(FLAGS_connections);
  options.in_flight = absl::GetFlag(FLAGS_in_flight);
  options.rate = absl::GetFlag(FLAGS_rate);
  options.deadline = absl::GetFlag(FLAGS_deadline);
  options.warmup = absl::GetFlag(FLAGS_warmup);
  options.duration = absl::GetFlag(FLAGS_duration);
  options.calls = absl::GetFlag(FLAGS_number);
  if (absl::GetFlag(FLAGS_until_ok) > absl::ZeroDuration()) return WaitUntilOk(options, workload);

  const std::string target = absl::GetFlag(FLAGS_target);
  const int page = absl::GetFlag(FLAGS_page);
  if (page > 1) {
    ASSIGN_OR_RETURN(const auto walk, Load::Create(target, options, /*keep_answers=*/true));
    RETURN_IF_ERROR(
        workload.GoToPage(page, [&](Request request) { return walk->Call(std::move(request)); }));
  }
  ASSIGN_OR_RETURN(const auto load, Load::Create(target, options, /*keep_answers=*/false));
  ASSIGN_OR_RETURN(const LoadResult result, load->Run(workload));
  Print(result);
  return absl::OkStatus();
}

}  // namespace
}  // namespace alma::bench

int main(int argc, char** argv) {
  return alma::bench::RunProgram(argc, argv, "alma_load", alma::bench::kUsage, alma::bench::Run);
}
