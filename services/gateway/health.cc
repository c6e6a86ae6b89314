#include "services/gateway/health.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "services/gateway/channel.h"

namespace alma::gateway {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// One service of one process.
struct HealthWatch::Check {
  Check(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) : stub(channel) {
    request.set_service(service);
  }

  Health::Stub stub;
  HealthCheckRequest request;
  HealthCheckResponse response;
  std::unique_ptr<grpc::ClientContext> context;
  std::atomic<bool> answered = false;
  std::atomic<bool> serving = false;
};

HealthWatch::HealthWatch(const std::vector<std::string>& addresses,
                         const std::vector<std::string>& services, std::function<void()> on_return)
    : services_(services.size()), on_return_(std::move(on_return)) {
  checks_.reserve(addresses.size() * services.size());
  for (const std::string& address : addresses) {
    const auto channel = NewChannel(TargetsOf({address}).front());
    for (const std::string& service : services) {
      checks_.push_back(std::make_unique<Check>(channel, service));
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
    check->stub.async()->Check(check->context.get(), &check->request, &check->response,
                               [&answers, known = check.get()](const grpc::Status& status) {
                                 known->answered = status.ok() && known->response.status() ==
                                                                      HealthCheckResponse::SERVING;
                                 answers.DecrementCount();
                               });
  }
  answers.Wait();
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

}  // namespace alma::gateway
