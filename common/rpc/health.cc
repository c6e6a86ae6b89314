#include "common/rpc/health.h"

#include <optional>
#include <utility>

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/support/server_callback.h>

#include "common/status/status.h"

namespace alma::rpc {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::internal::RpcMethod;
using grpc::internal::RpcServiceMethod;

// One call of Watch. All but its end happens under the service's mutex.
class HealthService::Watch final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  Watch(HealthService& health, std::string service)
      : health_(health), service_(std::move(service)) {
    absl::MutexLock lock(&health_.mutex_);
    health_.watches_.insert(this);
    if (health_.ended_) {
      End();
    } else {
      Step();
    }
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&health_.mutex_);
    writing_ = false;
    if (ok) {
      Step();
    } else {
      End();
    }
  }
  void OnCancel() override {
    absl::MutexLock lock(&health_.mutex_);
    End();
  }
  void OnDone() override {
    {
      absl::MutexLock lock(&health_.mutex_);
      health_.watches_.erase(this);
    }
    delete this;
  }

  // Writes what has changed.
  void Step() {
    const Status now = health_.StatusOf(service_);
    if (finished_ || writing_ || written_ == now) return;
    written_ = now;
    writing_ = true;
    response_.set_status(now);
    StartWrite(&response_);
  }

  void End() {
    if (std::exchange(finished_, true)) return;
    Finish(status::ToGrpcStatus(status::BackendUnavailable()));
  }

 private:
  HealthService& health_;
  const std::string service_;
  HealthCheckResponse response_;
  std::optional<Status> written_;
  bool writing_ = false;
  bool finished_ = false;
};

HealthService::HealthService() {
  AddMethod(new RpcServiceMethod("/grpc.health.v1.Health/Check", RpcMethod::NORMAL_RPC, nullptr));
  AddMethod(
      new RpcServiceMethod("/grpc.health.v1.Health/Watch", RpcMethod::SERVER_STREAMING, nullptr));
  MarkMethodCallback(
      0, new grpc::internal::CallbackUnaryHandler<HealthCheckRequest, HealthCheckResponse>(
             [this](grpc::CallbackServerContext* context, const HealthCheckRequest* request,
                    HealthCheckResponse* response) {
               absl::MutexLock lock(&mutex_);
               response->set_status(StatusOf(request->service()));
               const bool known = response->status() != HealthCheckResponse::SERVICE_UNKNOWN;
               grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
               reactor->Finish(known ? grpc::Status::OK
                                     : status::ToGrpcStatus(status::NotFound("service")));
               return reactor;
             }));
  MarkMethodCallback(
      1,
      new grpc::internal::CallbackServerStreamingHandler<HealthCheckRequest, HealthCheckResponse>(
          [this](grpc::CallbackServerContext*, const HealthCheckRequest* request) {
            return new Watch(*this, request->service());
          }));
}

void HealthService::Set(const std::string& service, bool serving) {
  absl::MutexLock lock(&mutex_);
  const auto [entry, added] = serving_.try_emplace(service, serving);
  if (!added && entry->second == serving) return;
  entry->second = serving;
  for (Watch* watch : watches_) watch->Step();
}

void HealthService::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  for (Watch* watch : watches_) watch->Step();
}

void HealthService::EndWatches() {
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  for (Watch* watch : watches_) watch->End();
}

HealthService::Status HealthService::StatusOf(const std::string& service) const {
  const auto entry = serving_.find(service);
  if (entry == serving_.end()) return HealthCheckResponse::SERVICE_UNKNOWN;
  return entry->second && !draining_ ? HealthCheckResponse::SERVING
                                     : HealthCheckResponse::NOT_SERVING;
}

}  // namespace alma::rpc
