#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/alma_server.h"
#include "tests/support/deployed.h"

// docs/worked-example.md, pasted from top to bottom.
namespace alma::testing {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;

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

  Struct Answer(const std::string& line) const {
    const Finished ended = Paste(line);
    INFO(line << "\n" << ended.err);
    REQUIRE(ended.exit_code == 0);
    Struct answer;
    REQUIRE(google::protobuf::util::JsonStringToMessage(ended.out, &answer).ok());
    return answer;
  }

 private:
  const std::string home_;
  const std::string address_;
};

const ListValue& Rows(const Struct& answer, const char* field) {
  INFO(answer.ShortDebugString());
  REQUIRE(answer.fields().contains(field));
  return answer.fields().at(field).list_value();
}

// How many rows there are of each value of a text field.
std::map<std::string, int> Count(const ListValue& rows, const char* field) {
  std::map<std::string, int> counts;
  for (const auto& row : rows.values()) {
    ++counts[row.struct_value().fields().at(field).string_value()];
  }
  return counts;
}

using Counts = std::map<std::string, int>;

// What the last four lines read: messages, events, events of a subtype, analyses.
void CheckAll(const std::vector<Struct>& read) {
  const ListValue& messages = Rows(read[0], "messages");
  REQUIRE(messages.values_size() == 12);
  CHECK(messages.values(11).struct_value().fields().at("index").string_value() == "11");
  CHECK(Count(Rows(read[1], "events"), "eventType") == Counts{{"SALES_STAGE_CHANGE", 2},
                                                              {"FOLLOWUP_DETECTION", 1},
                                                              {"OBJECTION_DETECTION", 1},
                                                              {"SALE_MADE", 1},
                                                              {"MEETING_SCHEDULED", 1},
                                                              {"MEETING_DONE", 1},
                                                              {kCustomerInformation, 7}});
  CHECK(Count(Rows(read[2], "events"), "eventType") == Counts{{kCustomerInformation, 1}});
  CHECK(Count(Rows(read[3], "analyses"), "analysisType") ==
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
    shell.Answer(line);
  }

  const std::vector<std::string> reads(lines.end() - 4, lines.end());
  const auto read = [&] {
    std::vector<Struct> answers;
    for (const std::string& line : reads) answers.push_back(shell.Answer(line));
    return answers;
  };
  const std::vector<Struct> once = read();
  CheckAll(once);

  // Creates of what the example changes or deletes later are refused now; nothing comes twice.
  for (const std::string& line : lines) shell.Paste(line);
  const std::vector<Struct> twice = read();
  for (size_t i = 0; i < reads.size(); ++i) {
    CHECK(google::protobuf::util::MessageDifferencer::Equals(once[i], twice[i]));
  }
}

}  // namespace
}  // namespace alma::testing
