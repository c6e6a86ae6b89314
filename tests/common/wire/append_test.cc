#include "common/wire/append.h"

#include <limits>

#include "alma/agents/v1/agents.pb.h"
#include "catch2/catch.hpp"
#include "google/protobuf/duration.pb.h"
#include "google/rpc/error_details.pb.h"

namespace alma::wire {
namespace {

TEST_CASE("a number is appended as protobuf writes it") {
  for (const int64_t number :
       {int64_t{1}, int64_t{127}, int64_t{128}, int64_t{-1}, std::numeric_limits<int64_t>::max(),
        std::numeric_limits<int64_t>::min()}) {
    CAPTURE(number);
    google::protobuf::Duration duration;
    duration.set_seconds(number);
    std::string bytes;
    AppendNumber(google::protobuf::Duration::kSecondsFieldNumber, number, &bytes);
    CHECK(bytes == duration.SerializeAsString());
  }
}

TEST_CASE("text is appended as protobuf writes it") {
  for (const size_t size : {1, 127, 128, 16'384}) {
    CAPTURE(size);
    google::rpc::ErrorInfo info;
    info.set_reason(std::string(size, 'r'));
    info.set_domain("d");
    std::string bytes;
    AppendBytes(google::rpc::ErrorInfo::kReasonFieldNumber, info.reason(), &bytes);
    AppendBytes(google::rpc::ErrorInfo::kDomainFieldNumber, "d", &bytes);
    CHECK(bytes == info.SerializeAsString());
  }
}

TEST_CASE("messages are appended as protobuf writes them") {
  agents::v1::ListAgentsResponse response;
  std::string bytes;
  for (const size_t size : {0, 1, 200, 20'000}) {
    agents::v1::Agent& agent = *response.add_agents();
    agent.set_name(std::string(size, 'n'));
    if (size == 200) agent.mutable_deleted_at()->set_seconds(7);
    AppendMessage(agents::v1::ListAgentsResponse::kAgentsFieldNumber, agent, agent.ByteSizeLong(),
                  &bytes);
  }
  CHECK(bytes == response.SerializeAsString());
}

}  // namespace
}  // namespace alma::wire
