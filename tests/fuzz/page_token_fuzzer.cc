#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <string>
#include <vector>

#include "alma/agents/v1/agents.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/db/page_token.h"
#include "common/status/status.h"
#include "tests/fuzz/require.h"

namespace alma::fuzz {
namespace {

using Keys = std::vector<std::string>;

constexpr char kOurs[] = "0190f5fe-0000-7000-8000-0000000000aa";
constexpr char kTheirs[] = "0190f5fe-0000-7000-8000-0000000000bb";

const db::PageTokens& Tokens() {
  static const auto* const tokens = new db::PageTokens({{std::string(32, 's')}});
  return *tokens;
}

void RequireRefused(const google::protobuf::Message& request, const std::string& organization,
                    const std::string& token, const std::string& what) {
  Require(Tokens().Decode(request, organization, token).status() == status::PageTokenInvalid(),
          what);
}

// A token that nobody made is refused; should the input hit one, it is the very one that is made.
void CheckStranger(const google::protobuf::Message& request, const std::string& token) {
  const auto keys = Tokens().Decode(request, kOurs, token);
  if (keys.ok()) {
    Require(Tokens().Encode(request, kOurs, *keys) == token, "one text for each token");
  } else {
    Require(keys.status() == status::PageTokenInvalid(), "one text for every refusal");
  }
}

void CheckOwn(const agents::v1::ListAgentsRequest& request, const Keys& keys, size_t position,
              char other) {
  const std::string token = Tokens().Encode(request, kOurs, keys);
  const auto decoded = Tokens().Decode(request, kOurs, token);
  Require(decoded.ok() && *decoded == keys, "a token brings its keys back");

  agents::v1::ListAgentsRequest next = request;
  next.set_page_size(7);
  next.set_page_token(token);
  Require(Tokens().Decode(next, kOurs, token).ok(), "a token is good for other page sizes");

  RequireRefused(request, kTheirs, token, "a token of another organization");
  RequireRefused(conversations::v1::ListMessagesRequest(), kOurs, token, "that of another method");
  next.set_show_deleted(!request.show_deleted());
  RequireRefused(next, kOurs, token, "that of another filter");

  std::string altered = token;
  altered[position % token.size()] = other;
  if (altered != token) RequireRefused(request, kOurs, altered, "an altered token");
  RequireRefused(request, kOurs, token.substr(0, position % token.size()), "a token cut short");
}

}  // namespace
}  // namespace alma::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  alma::agents::v1::ListAgentsRequest request;
  const std::string bytes = input.ConsumeRandomLengthString();
  if (!request.ParseFromString(bytes)) request.Clear();
  const auto position = input.ConsumeIntegral<size_t>();
  const auto other = input.ConsumeIntegral<char>();
  alma::fuzz::Keys keys(input.ConsumeIntegralInRange<size_t>(0, 5));
  for (std::string& key : keys) key = input.ConsumeRandomLengthString();
  alma::fuzz::CheckOwn(request, keys, position, other);
  alma::fuzz::CheckStranger(request, input.ConsumeRemainingBytesAsString());
  return 0;
}
