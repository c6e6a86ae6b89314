#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"
#include "common/metrics/metrics.h"
#include "common/rpc/caller.h"
#include "common/rpc/parse.h"
#include "common/rpc/worker_pool.h"
#include "google/protobuf/descriptor.h"

namespace alma::rpc {

// What a handler is told about the call that it answers.
struct Call {
  const auth::v1::Principal& caller;
  absl::Time deadline;

  const std::string& organization() const { return caller.organization_uuid(); }
};

// What the services of one process share. Everything in it outlives them.
struct Runtime {
  WorkerPool& workers;
  Callers& callers;
  metrics::Calls& metrics;
  // What a call without a deadline gets.
  absl::Duration default_deadline = absl::Seconds(30);
};

// A gRPC service of which every method of the descriptor is registered as bytes, so that Answer
// does for each what has to be the same for all. Methods without a handler answer UNIMPLEMENTED.
class Service : public grpc::Service {
 public:
  Service(const google::protobuf::ServiceDescriptor& descriptor, Runtime& runtime);
  ~Service() override;

  const google::protobuf::ServiceDescriptor& descriptor() const { return descriptor_; }

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

 private:
  friend class Answer;
  using Handler =
      std::function<absl::Status(const Call&, const grpc::ByteBuffer&, grpc::ByteBuffer*)>;
  struct Method {
    std::string path;
    std::string name;
    std::string_view scope;
    Handler handler;
    std::unique_ptr<metrics::Method> metrics;
  };

  void SetHandler(std::string_view name, const google::protobuf::Descriptor& request,
                  const google::protobuf::Descriptor& response, Handler handler);

  const google::protobuf::ServiceDescriptor& descriptor_;
  Runtime& runtime_;
  std::vector<std::unique_ptr<Method>> methods_;
};

}  // namespace alma::rpc
