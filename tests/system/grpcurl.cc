#include "tests/system/grpcurl.h"

#include <google/protobuf/util/json_util.h>

#include "catch2/catch.hpp"

namespace alma::testing {

Finished Grpcurl(const std::string& address, const std::vector<std::string>& words,
                 const std::vector<std::string>& flags) {
  std::vector<std::string> command = {"grpcurl", "-plaintext"};
  command.insert(command.end(), flags.begin(), flags.end());
  command.push_back(address);
  command.insert(command.end(), words.begin(), words.end());
  return Run(command);
}

google::protobuf::Struct GrpcurlCall(const std::string& address, const std::string& method,
                                     const std::string& request,
                                     const std::vector<std::string>& flags) {
  std::vector<std::string> with_request = flags;
  with_request.insert(with_request.end(), {"-d", request});
  const Finished ended = Grpcurl(address, {method}, with_request);
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  google::protobuf::Struct answer;
  REQUIRE(google::protobuf::util::JsonStringToMessage(ended.out, &answer).ok());
  return answer;
}

}  // namespace alma::testing
