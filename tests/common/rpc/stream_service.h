#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alma/conversations/v1/messages.grpc.pb.h"
#include "common/auth/scopes.h"
#include "common/rpc/service.h"
#include "common/status/status.h"
#include "tests/support/service_harness.h"

namespace alma::rpc {

using conversations::v1::ExportMessagesRequest;
using conversations::v1::ExportMessagesResponse;
using conversations::v1::ImportMessagesRequest;
using conversations::v1::ImportMessagesResponse;
using conversations::v1::MessagesService;

using Items = std::vector<absl::StatusOr<ImportMessagesRequest>>;

// How many imports have been ended and forgotten.
inline std::atomic<int> forgotten = 0;

// What an import keeps from batch to batch.
struct State {
  ~State() { ++forgotten; }
  int64_t items = 0;
};

using OnItems =
    std::function<absl::Status(const Call&, State&, Items, std::vector<ImportMessagesResponse>*)>;
using OnPage = std::function<absl::StatusOr<bool>(const Call&, ExportMessagesRequest&,
                                                  std::vector<ExportMessagesResponse>*)>;

// A service of one streaming method each way.
class StreamService final : public Service {
 public:
  StreamService(Runtime& runtime, OnItems on_items, OnPage on_page)
      : Service(
            *conversations::v1::Message::descriptor()->file()->FindServiceByName("MessagesService"),
            runtime),
        on_items_(std::move(on_items)),
        on_page_(std::move(on_page)) {
    HandleItems("ImportMessages", &StreamService::AnswerItems);
    HandlePages("ExportMessages", &StreamService::NextPage);
  }

 private:
  absl::Status AnswerItems(const Call& call, State& state, Items items,
                           std::vector<ImportMessagesResponse>* responses) {
    return on_items_(call, state, std::move(items), responses);
  }
  absl::StatusOr<bool> NextPage(const Call& call, ExportMessagesRequest& request,
                                std::vector<ExportMessagesResponse>* responses) {
    return on_page_(call, request, responses);
  }

  const OnItems on_items_;
  const OnPage on_page_;
};

// Answers each item with its number, and with its content or its error.
inline absl::Status EchoItems(const Call&, State& state, Items items,
                              std::vector<ImportMessagesResponse>* responses) {
  for (auto& item : items) {
    ImportMessagesResponse& response = responses->emplace_back();
    response.set_position(state.items++);
    if (item.ok()) {
      *response.mutable_message() = *std::move(*item).mutable_message();
    } else {
      *response.mutable_error() = status::ToRpcStatus(item.status());
    }
  }
  return absl::OkStatus();
}

// Pages of 100 up to revision 10,000.
inline absl::StatusOr<bool> CountUp(const Call&, ExportMessagesRequest& request,
                                    std::vector<ExportMessagesResponse>* responses) {
  for (int i = 0; i < 100; ++i) {
    request.set_after_revision(request.after_revision() + 1);
    responses->emplace_back().set_revision(request.after_revision());
  }
  return request.after_revision() < 10'000;
}

// The context of a call of someone who may do both.
inline std::unique_ptr<grpc::ClientContext> ByWriter() {
  auto context = std::make_unique<grpc::ClientContext>();
  testing::SetCaller(*context,
                     testing::Caller("0190f3a2-7c1e-7b4d-8f00-0123456789ab",
                                     {auth::kConversationsRead, auth::kConversationsWrite}));
  return context;
}

// The service behind a stub.
struct Streams {
  explicit Streams(OnItems on_items, OnPage on_page = CountUp)
      : service(*runtime, std::move(on_items), std::move(on_page)),
        server({&service}),
        stub(MessagesService::NewStub(server.channel())) {}

  testing::TestRuntime runtime;
  StreamService service;
  testing::InProcessServer server;
  std::unique_ptr<MessagesService::Stub> stub;
};

inline ImportMessagesRequest Item(const std::string& content) {
  ImportMessagesRequest item;
  item.mutable_message()->set_content(content);
  return item;
}

}  // namespace alma::rpc
