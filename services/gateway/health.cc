#include "services/gateway/health.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace alma::gateway {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// One service of one process.
struct HealthWatch::Check {
  Check(const std::shared_ptr<grpc::Channel>& channel, std::string address_,
        const std::string& service)
      : stub(channel), address(std::move(address_)) {
    request.set_service(service);
  }

  Health::Stub stub;
  HealthCheckRequest request;
  HealthCheckResponse response;
  std::unique_ptr<grpc::ClientContext> context;
  const std::string address;
  // Why it could not be reached: by the last answer, and by the log.
  std::string cause;
  std::string logged_cause;
  std::atomic<bool> answered = false;
  std::atomic<bool> serving = false;
};

HealthWatch::HealthWatch(const std::vector<std::string>& addresses,
                         const std::vector<std::string>& services, std::function<void()> on_return,
                         const BackendTls& tls)
    : services_(services.size()), on_return_(std::move(on_return)) {
  checks_.reserve(addresses.size() * services.size());
  for (const std::string& address : addresses) {
    const auto channel = NewChannel(TargetsOf({address}).front(), tls);
    for (const std::string& service : services) {
      checks_.push_back(std::make_unique<Check>(channel, address, service));
    }
  }
  thread_ = std::thread([this] {
    do {
      Ask();
    } while (!stopping_.WaitForNotificationWithTimeout(kAskEvery));
  });
}

HealthWatch::~HealthWatch() {
  stopping_.Notify();
  thread_.join();
}

bool HealthWatch::Serving(size_t service) const {
  for (size_t i = service; i < checks_.size(); i += services_) {
    if (checks_[i]->serving) return true;
  }
  return false;
}

void HealthWatch::Ask() {
  absl::BlockingCounter answers(static_cast<int>(checks_.size()));
  const auto deadline = absl::ToChronoTime(absl::Now() + kAnswerWithin);
  for (const std::unique_ptr<Check>& check : checks_) {
    check->context = std::make_unique<grpc::ClientContext>();
    check->context->set_deadline(deadline);
    check->response.Clear();
    check->stub.async()->Check(
        check->context.get(), &check->request, &check->response,
        [&answers, known = check.get()](const grpc::Status& status) {
          known->cause =
              status.error_code() == grpc::StatusCode::UNAVAILABLE ? status.error_message() : "";
          known->answered = status.ok() && known->response.status() == HealthCheckResponse::SERVING;
          answers.DecrementCount();
        });
  }
  answers.Wait();
  LogUnreachable();
  bool returned = false;
  for (const std::unique_ptr<Check>& check : checks_) {
    returned |= check->answered && !check->serving;
    if (!check->answered) check->serving = false;
  }
  // Before it is told: whoever hears that a service is back calls it at once.
  if (returned) on_return_();
  for (const std::unique_ptr<Check>& check : checks_) {
    if (check->answered) check->serving = true;
  }
}

void HealthWatch::LogUnreachable() {
  for (size_t i = 0; i < checks_.size(); i += services_) {
    Check& first = *checks_[i];
    if (!first.cause.empty() && first.cause != first.logged_cause) {
      log::Warning("backend_unreachable", {{"address", first.address}, {"cause", first.cause}});
    }
    first.logged_cause = first.cause;
  }
}

}  // namespace alma::gateway
