#include "common/rpc/command_line.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "alma_version.h"
#include "common/db/engine_versions.h"

ABSL_FLAG(bool, allow_core, false, "Allow core dumps and debuggers, which show keys in memory.");

namespace alma::rpc {
namespace {

bool parsing = false;
bool asked_for_text = false;

std::string VersionText() {
  return absl::StrCat("alma ", kVersion, " (", kCommit, ")\ngRPC ", grpc::Version(), ", protobuf ",
                      google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION), ", ",
                      db::EngineVersions(), "\n");
}

// absl ends the process with 1 whatever the reason; the contract tells a wrong call (2) from a
// failure (1).
void CorrectExitCode(int, void*) {
  if (!parsing) return;
  std::fflush(stdout);
  std::_Exit(asked_for_text ? 0 : 2);
}

}  // namespace

std::vector<std::string> ParseCommandLine(int argc, char** argv, std::string_view usage) {
  umask(S_IRWXG | S_IRWXO);
  // Debian's build of absl looks for deadlocks at each lock, behind a lock of its own.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::SetProgramUsageMessage(std::string(usage));
  absl::FlagsUsageConfig config;
  config.contains_help_flags = [](absl::string_view file) {
    return !absl::StrContains(file, "absl/");
  };
  config.contains_helpshort_flags = config.contains_help_flags;
  config.version_string = VersionText;
  absl::SetFlagsUsageConfig(config);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    asked_for_text |= argument.starts_with("--help") || argument == "--version";
  }
  on_exit(CorrectExitCode, nullptr);
  parsing = true;
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  parsing = false;
  if (!absl::GetFlag(FLAGS_allow_core)) prctl(PR_SET_DUMPABLE, 0);
  return {words.begin() + 1, words.end()};
}

}  // namespace alma::rpc
