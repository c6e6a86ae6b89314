#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "common/rpc/parse.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::rpc {

// What answers one streaming call, a batch at a time. Its calls come one after another, on workers.
class StreamHandler {
 public:
  enum class Next {
    kWait,   // run again when more has arrived or is left in `in`, or when it is woken
    kAgain,  // run again when there is room for more beside what is in `out`
    kEnd,    // write what is in `out` and end with OK
  };

  // Lets a handler run again soon. Thread-safe, also during a run, and good for as long as the
  // handler is there; it takes the stream's lock, under which no handler is called.
  using Wake = std::function<void()>;

  // A message that has arrived, inflated; or why it could not be (see Inflate).
  using Item = absl::StatusOr<grpc::ByteBuffer>;

  virtual ~StreamHandler() = default;

  // `in` is what the last run has left, else what has arrived since, maybe nothing; a run takes out
  // what it is done with. `ended` says that nothing more will come. A status that is not OK ends
  // the call with it, after what is in `out`.
  virtual absl::StatusOr<Next> Work(const Call& call, std::vector<Item>& in, bool ended,
                                    std::vector<grpc::ByteBuffer>* out) = 0;

 protected:
  template <typename Response>
  static absl::Status SerializeAll(const std::vector<Response>& responses,
                                   std::vector<grpc::ByteBuffer>* out) {
    for (const Response& response : responses) {
      RETURN_IF_ERROR(Serialize(response, &out->emplace_back()));
    }
    return absl::OkStatus();
  }
};

// One request, answered in pages. `NextPage` is called with the request, in which it may keep its
// place, and says when to call it again.
template <typename Request, typename Response, typename NextPage>
class PagesHandler final : public StreamHandler {
 public:
  explicit PagesHandler(NextPage next_page) : next_page_(std::move(next_page)) {}

  absl::StatusOr<Next> Work(const Call& call, std::vector<Item>& in, bool ended,
                            std::vector<grpc::ByteBuffer>* out) override {
    if (!request_.has_value()) {
      if (in.empty()) {
        return ended ? absl::StatusOr<Next>(status::MalformedRequest()) : Next::kWait;
      }
      RETURN_IF_ERROR(in.front().status());
      RETURN_IF_ERROR(Parse(*in.front(), &request_.emplace()));
    }
    in.clear();
    std::vector<Response> page;
    ASSIGN_OR_RETURN(const Next next, next_page_(call, *request_, &page));
    RETURN_IF_ERROR(SerializeAll(page, out));
    return next;
  }

 private:
  NextPage next_page_;
  std::optional<Request> request_;
};

// Many items, answered in batches of what has arrived. An item that cannot be inflated or does not
// parse is the status that Inflate or Parse gave. `AnswerBatch` answers the items in their order,
// one at least; those behind its last response come again.
template <typename Request, typename Response, typename State, typename AnswerBatch>
class ItemsHandler final : public StreamHandler {
 public:
  explicit ItemsHandler(AnswerBatch answer_batch) : answer_batch_(std::move(answer_batch)) {}

  absl::StatusOr<Next> Work(const Call& call, std::vector<Item>& in, bool ended,
                            std::vector<grpc::ByteBuffer>* out) override {
    std::vector<absl::StatusOr<Request>> items;
    const size_t count = std::min(in.size(), at_a_time_);
    items.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const Item& bytes = in[i];
      Request item;
      const absl::Status parsed = bytes.ok() ? Parse(*bytes, &item) : bytes.status();
      items.push_back(parsed.ok() ? absl::StatusOr<Request>(std::move(item)) : parsed);
    }
    std::vector<Response> responses;
    const absl::Status done = answer_batch_(call, state_, std::move(items), &responses);
    RETURN_IF_ERROR(SerializeAll(responses, out));
    RETURN_IF_ERROR(done);
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(responses.size()));
    // What is left is parsed again: of many that are answered by few, not all each time.
    at_a_time_ = in.empty() ? kAll : 4 * responses.size() + 16;
    return ended && in.empty() ? Next::kEnd : Next::kWait;
  }

 private:
  static constexpr size_t kAll = std::numeric_limits<size_t>::max();

  const AnswerBatch answer_batch_;
  State state_;
  size_t at_a_time_ = kAll;
};

}  // namespace alma::rpc
