#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/str_replace.h"
#include "alma/analytics/v1/analyses.pb.h"
#include "alma/analytics/v1/events.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/support/alma_server.h"
#include "tests/support/deployed.h"

// docs/worked-example.md, pasted from top to bottom.
namespace alma::testing {
namespace {

constexpr char kGrpcurl[] = "~/.alma/bin/grpcurl ";
constexpr char kCustomerInformation[] = "CUSTOMER_INFORMATION_DETECTION";

// The lines of the document that are to be pasted.
std::vector<std::string> Lines() {
  std::vector<std::string> lines;
  std::ifstream document(ALMA_SOURCE_DIR "/docs/worked-example.md");
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("    ")) lines.push_back(line.substr(4));
  }
  return lines;
}

// Pastes lines as someone would whose home has what deploy/up leaves there.
class Shell {
 public:
  Shell(const std::string& home, const std::string& address, const std::string& key)
      : home_(home), address_(address) {
    std::filesystem::create_directories(home + "/.alma");
    std::ofstream(home + "/.alma/key") << key << "\n";
  }

  Finished Paste(const std::string& line) const {
    const std::string here =
        absl::StrReplaceAll(line, {{kGrpcurl, "grpcurl "}, {"127.0.0.1:7400", address_}});
    return Run({"env", "HOME=" + home_, "sh", "-c", here});
  }

  // What is printed for a line that has to succeed. grpcurl's versions differ in the names of
  // fields; protobuf reads them all.
  template <typename Response>
  Response Answer(const std::string& line) const {
    const Finished ended = Paste(line);
    INFO(line << "\n" << ended.err);
    REQUIRE(ended.exit_code == 0);
    Response answer;
    REQUIRE(google::protobuf::util::JsonStringToMessage(ended.out, &answer).ok());
    return answer;
  }

 private:
  const std::string home_;
  const std::string address_;
};

// What the last four lines of the document read.
struct Reads {
  explicit Reads(const Shell& shell, const std::vector<std::string>& lines)
      : messages(shell.Answer<conversations::v1::ListMessagesResponse>(lines.end()[-4])),
        events(shell.Answer<analytics::v1::ListEventsResponse>(lines.end()[-3])),
        of_one_subtype(shell.Answer<analytics::v1::ListEventsResponse>(lines.end()[-2])),
        analyses(shell.Answer<analytics::v1::ListAnalysesResponse>(lines.end()[-1])) {}

  std::string DebugString() const {
    return messages.DebugString() + events.DebugString() + of_one_subtype.DebugString() +
           analyses.DebugString();
  }

  const conversations::v1::ListMessagesResponse messages;
  const analytics::v1::ListEventsResponse events;
  const analytics::v1::ListEventsResponse of_one_subtype;
  const analytics::v1::ListAnalysesResponse analyses;
};

using Counts = std::map<std::string, int>;

Counts CountTypes(const analytics::v1::ListEventsResponse& response) {
  Counts counts;
  for (const auto& event : response.events()) ++counts[event.event_type()];
  return counts;
}

void CheckAll(const Reads& read) {
  REQUIRE(read.messages.messages_size() == 12);
  CHECK(read.messages.messages(11).index() == 11);
  CHECK(CountTypes(read.events) == Counts{{"SALES_STAGE_CHANGE", 2},
                                          {"FOLLOWUP_DETECTION", 1},
                                          {"OBJECTION_DETECTION", 1},
                                          {"SALE_MADE", 1},
                                          {"MEETING_SCHEDULED", 1},
                                          {"MEETING_DONE", 1},
                                          {kCustomerInformation, 7}});
  CHECK(CountTypes(read.of_one_subtype) == Counts{{kCustomerInformation, 1}});
  Counts analyses;
  for (const auto& analysis : read.analyses.analyses()) ++analyses[analysis.analysis_type()];
  CHECK(analyses ==
        Counts{{"SENTIMENT_ANALYSIS", 1}, {"TOPICS_DETECTED", 1}, {"PURCHASE_PROBABILITY", 1}});
}

TEST_CASE("the worked example runs from its document and again") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const Bootstrapped first = Bootstrap(storage);
  const Deployed server(storage, deployment);
  const Shell shell(storage.folder() + "/home", server.address(), first.secret);
  const std::vector<std::string> lines = Lines();
  REQUIRE(lines.size() > 40);
  for (const std::string& line : lines) {
    INFO(line);
    REQUIRE(line.find(kGrpcurl) == 0);
    shell.Answer<google::protobuf::Struct>(line);
  }
  const Reads once(shell, lines);
  CheckAll(once);

  // Creates of what the example changes or deletes later are refused now; nothing comes twice.
  for (const std::string& line : lines) shell.Paste(line);
  CHECK(Reads(shell, lines).DebugString() == once.DebugString());
}

}  // namespace
}  // namespace alma::testing
