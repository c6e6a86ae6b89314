#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/statusor.h"
#include "common/rpc/bytes_service.h"
#include "common/rpc/call.h"
#include "common/rpc/completion.h"
#include "common/rpc/late_call.h"
#include "common/rpc/method.h"
#include "common/rpc/parse.h"
#include "common/rpc/stream_handler.h"
#include "common/rpc/worker_pool.h"
#include "common/status/macros.h"
#include "google/protobuf/descriptor.h"

namespace alma::rpc {

// A gRPC service that parses and answers its calls: Answer and Stream do for every method what has
// to be the same for all. Methods without a handler answer UNIMPLEMENTED.
class Service : public BytesService {
 public:
  Service(const google::protobuf::ServiceDescriptor& descriptor, Runtime& runtime);

 protected:
  // Answers the unary method `name` with `handler`, a member of the derived class that runs on a
  // worker and may change its request. Only in constructors; dies when the descriptor has no such
  // method of these types.
  template <typename Derived, typename Request, typename Response>
  void Handle(std::string_view name,
              absl::StatusOr<Response> (Derived::*handler)(const Call&, Request&)) {
    auto* self = static_cast<Derived*>(this);
    SetHandler(
        name, *Request::descriptor(), *Response::descriptor(),
        [self, handler](const Call& call, const grpc::ByteBuffer& in, grpc::ByteBuffer* out) {
          Request request;
          if (absl::Status parsed = Parse(in, &request); !parsed.ok()) return parsed;
          absl::StatusOr<Response> response = (self->*handler)(call, request);
          return response.ok() ? Serialize(*response, out) : response.status();
        });
  }

  // The same with a handler that does not block: it returns early, and the completion that it was
  // given is finished later, from any thread, or not at all where it returns another status than
  // OK. It may run on a gRPC thread. See Answer.
  template <typename Derived, typename Request, typename Response>
  void HandleLate(std::string_view name,
                  absl::Status (Derived::*handler)(const Call&, Request&, Completion<Response>)) {
    auto* self = static_cast<Derived*>(this);
    SetLateHandler(name, *Request::descriptor(), *Response::descriptor(),
                   [self, handler](LateCall& late) {
                     Request request;
                     if (absl::Status parsed = Parse(late.in(), &request); !parsed.ok()) {
                       return parsed;
                     }
                     return (self->*handler)(late.call(), request, Completing<Response>(late));
                   });
  }

  // Answers the server-streaming method `name` in pages: `next_page` is called on workers, with the
  // request, in which it keeps its place, until it returns false. See Handle.
  template <typename Derived, typename Request, typename Response>
  void HandlePages(std::string_view name,
                   absl::StatusOr<bool> (Derived::*next_page)(const Call&, Request&,
                                                              std::vector<Response>*)) {
    auto* self = static_cast<Derived*>(this);
    SetStream(
        name, *Request::descriptor(), *Response::descriptor(),
        [self, next_page](const StreamHandler::Wake&) {
          auto next = [self, next_page](
                          const Call& call, Request& request,
                          std::vector<Response>* page) -> absl::StatusOr<StreamHandler::Next> {
            ASSIGN_OR_RETURN(const bool more, (self->*next_page)(call, request, page));
            return more ? StreamHandler::Next::kAgain : StreamHandler::Next::kEnd;
          };
          return std::make_unique<PagesHandler<Request, Response, decltype(next)>>(next);
        });
  }

  // Answers the server-streaming method `name` for as long as its caller follows. `follow` makes a
  // Follower of the request, which calls the function that it is given when there may be something
  // new, until its destruction. Follower::Next(deadline, responses) then answers what there is and
  // returns whether there is more already. They run on `workers`, one run of a stream at a time and
  // none while it waits. See Handle.
  template <typename Derived, typename Request, typename Follower>
  void HandleFollowers(
      std::string_view name,
      absl::StatusOr<std::unique_ptr<Follower>> (Derived::*follow)(Request&, StreamHandler::Wake),
      WorkerPool& workers) {
    using Response = typename Follower::Response;
    auto* self = static_cast<Derived*>(this);
    auto new_stream = [self, follow](StreamHandler::Wake wake) {
      auto next =
          [self, follow, wake = std::move(wake), follower = std::unique_ptr<Follower>()](
              const Call& call, Request& request,
              std::vector<Response>* responses) mutable -> absl::StatusOr<StreamHandler::Next> {
        if (follower == nullptr) {
          ASSIGN_OR_RETURN(follower, (self->*follow)(request, std::move(wake)));
        }
        ASSIGN_OR_RETURN(const bool more, follower->Next(call.deadline, responses));
        return more ? StreamHandler::Next::kAgain : StreamHandler::Next::kWait;
      };
      return std::make_unique<PagesHandler<Request, Response, decltype(next)>>(std::move(next));
    };
    SetStream(name, *Request::descriptor(), *Response::descriptor(), new_stream, &workers);
  }

  // Answers the bidirectional method `name` in batches of what has arrived; each call of it has a
  // State of its own, from beginning to end. `answer_batch` answers the items in their order, one
  // at least; those behind its last response come again, alone. See Handle.
  template <typename Derived, typename Request, typename Response, typename State>
  void HandleItems(std::string_view name,
                   absl::Status (Derived::*answer_batch)(const Call&, State&,
                                                         std::vector<absl::StatusOr<Request>>,
                                                         std::vector<Response>*)) {
    auto* self = static_cast<Derived*>(this);
    SetStream(
        name, *Request::descriptor(), *Response::descriptor(),
        [self, answer_batch](const StreamHandler::Wake&) {
          auto answer = [self, answer_batch](const Call& call, State& state,
                                             std::vector<absl::StatusOr<Request>> items,
                                             std::vector<Response>* responses) {
            return (self->*answer_batch)(call, state, std::move(items), responses);
          };
          return std::make_unique<ItemsHandler<Request, Response, State, decltype(answer)>>(answer);
        });
  }

 private:
  template <typename Response>
  static Completion<Response> Completing(LateCall& late) {
    return {.check_awaited = [&late] { return late.CheckAwaited(); },
            .finish =
                [&late](absl::StatusOr<Response> response) {
                  late.FinishLate([&](grpc::ByteBuffer* out) {
                    return response.ok() ? Serialize(*response, out) : response.status();
                  });
                },
            .check_known = [&late] { return late.CheckKnown(); },
            .check_admitted = [&late] { return late.CheckAdmitted(); },
            .on_worker = late.OnWorker()};
  }

  grpc::ServerUnaryReactor* BeginUnary(const Method& method, grpc::CallbackServerContext& context,
                                       const grpc::ByteBuffer& in, grpc::ByteBuffer* out) final;
  BytesService::Stream* BeginStream(const Method& method,
                                    grpc::CallbackServerContext& context) final;
  void SetHandler(std::string_view name, const google::protobuf::Descriptor& request,
                  const google::protobuf::Descriptor& response, Method::Handler handler);
  void SetLateHandler(std::string_view name, const google::protobuf::Descriptor& request,
                      const google::protobuf::Descriptor& response, Method::LateHandler handler);
  void SetStream(std::string_view name, const google::protobuf::Descriptor& request,
                 const google::protobuf::Descriptor& response, Method::NewStream new_stream,
                 WorkerPool* workers = nullptr);
  // The method of these types; ends the process where there is none.
  Method& Find(std::string_view name, const google::protobuf::Descriptor& request,
               const google::protobuf::Descriptor& response);

  Runtime& runtime_;
  // What its streams hold.
  std::atomic<size_t> stream_bytes_ = 0;
};

}  // namespace alma::rpc
