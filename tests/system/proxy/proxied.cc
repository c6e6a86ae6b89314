#include "tests/system/proxy/proxied.h"

#include <functional>

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/auth/scopes.h"

namespace alma::testing {
namespace {

constexpr size_t kWrittenOut = 512;

std::vector<std::string> GatewayCommand(const AlmaStorage& storage, const std::string& behind,
                                        const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"--principal_secret_file=" + storage.secret_file(),
                                  absl::StrCat("--organizations=", behind),
                                  absl::StrCat("--conversations=", behind)};
  all.insert(all.end(), flags.begin(), flags.end());
  return ServerCommand("alma-gateway", all);
}

// Where gRPC ends with the last of its objects it may wait for a poller of its own, 10 s.
void KeepGrpc() {
  static const bool kept = [] {
    grpc_init();
    return true;
  }();
  static_cast<void>(kept);
}

}  // namespace

Proxied::Proxied(const std::vector<std::string>& gateway_flags)
    : key_(keys.Add(
          {std::string(auth::kConversationsRead), std::string(auth::kConversationsWrite)})) {
  KeepGrpc();
  const AlmaStorage storage(db::Engine::kSqlite);
  behind_ = std::make_unique<gateway::Listening>(absl::StrCat("unix:", folder_.path(), "/behind"),
                                                 std::vector<grpc::Service*>{&keys, &messages});
  std::vector<std::string> flags = {absl::StrCat("--listen=unix:", folder_.path(), "/gateway")};
  flags.insert(flags.end(), gateway_flags.begin(), gateway_flags.end());
  gateway_ = std::make_unique<AlmaServer>(GatewayCommand(storage, behind_->address(), flags));
  direct = gateway::MessagesService::NewStub(
      grpc::CreateChannel(behind_->address(), grpc::InsecureChannelCredentials()));
  proxied = gateway::MessagesService::NewStub(gateway_->channel());
}

std::unique_ptr<grpc::ClientContext> Proxied::NewContext(absl::Duration timeout) const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->AddMetadata("authorization", "Bearer " + key_);
  context->set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  return context;
}

void Transcript::Note(std::string_view what, std::string_view bytes) {
  absl::StrAppend(&text_, std::string(what), ": ");
  if (bytes.size() <= kWrittenOut) {
    absl::StrAppend(&text_, absl::CHexEscape(std::string(bytes)));
  } else {
    absl::StrAppend(&text_, bytes.size(), " bytes ", std::hash<std::string_view>()(bytes));
  }
  text_ += '\n';
}

void Transcript::End(const grpc::ClientContext& context, const grpc::Status& status) {
  const auto note_all = [this](const std::string& what, const auto& metadata) {
    for (const auto& [key, value] : gateway::Copy(metadata)) {
      if (key != "x-request-id") Note(what + " " + key, value);
    }
  };
  note_all("initial", context.GetServerInitialMetadata());
  note_all("trailer", context.GetServerTrailingMetadata());
  Note("code", absl::StrCat(status.error_code()));
  Note("text", status.error_message());
  Note("details", status.error_details());
}

}  // namespace alma::testing
