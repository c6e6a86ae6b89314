#pragma once

#include <string>
#include <vector>

#include "google/protobuf/struct.pb.h"
#include "tests/support/process.h"

namespace alma::testing {

// grpcurl, in plain text, to the server at `address`: `flags`, the address, then `words`.
Finished Grpcurl(const std::string& address, const std::vector<std::string>& words,
                 const std::vector<std::string>& flags = {});

// What it prints for a call that has to succeed.
google::protobuf::Struct GrpcurlCall(const std::string& address, const std::string& method,
                                     const std::string& request,
                                     const std::vector<std::string>& flags);

}  // namespace alma::testing
