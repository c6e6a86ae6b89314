#include "services/gateway/health.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

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
  Check(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) : stub(channel) {
    request.set_service(service);
  }

  void Start(std::chrono::system_clock::time_point deadline, absl::BlockingCounter& answers) {
    context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(deadline);
    response.Clear();
    stub.async()->Check(context.get(), &request, &response, [&](const grpc::Status& status) {
      answered = status.error_code() != grpc::StatusCode::UNAVAILABLE &&
                 status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED;
      cause = status.error_code() == grpc::StatusCode::UNAVAILABLE ? status.error_message() : "";
      says_yes = status.ok() && response.status() == HealthCheckResponse::SERVING;
      answers.DecrementCount();
    });
  }

  Health::Stub stub;
  HealthCheckRequest request;
  HealthCheckResponse response;
  std::unique_ptr<grpc::ClientContext> context;
  bool answered = false;
  // Why the process could not be reached.
  std::string cause;
  bool says_yes = false;
  std::atomic<bool> serving = false;
};

class HealthWatch::Process {
 public:
  Process(const std::string& address, const std::vector<std::string>& services, size_t number,
          const BackendTls& tls, const Report& report, const absl::Notification& stopping)
      : address_(address), number_(number), report_(report) {
    const auto channel = NewChannel(TargetOf(address), tls);
    checks_.reserve(services.size());
    for (const std::string& service : services) {
      checks_.push_back(std::make_unique<Check>(channel, service));
    }
    thread_ = std::thread([this, &stopping] {
      do {
        Ask();
      } while (!stopping.WaitForNotificationWithTimeout(kAskEvery));
    });
  }
  ~Process() { thread_.join(); }

  bool Serving(size_t service) const { return checks_[service]->serving; }

 private:
  void Ask() {
    absl::BlockingCounter answers(static_cast<int>(checks_.size()));
    const auto deadline = absl::ToChronoTime(absl::Now() + kAnswerWithin);
    for (const std::unique_ptr<Check>& check : checks_) check->Start(deadline, answers);
    answers.Wait();
    LogUnreachable();
    for (const std::unique_ptr<Check>& check : checks_) {
      if (!check->says_yes) check->serving = false;
    }
    // Before it is told: whoever hears that a service is back calls it at once.
    report_(number_, Judge());
    for (const std::unique_ptr<Check>& check : checks_) {
      if (check->says_yes) check->serving = true;
    }
  }

  // Once for each cause: all services of a process are on one connection.
  void LogUnreachable() {
    const std::string& cause = checks_.front()->cause;
    if (!cause.empty() && cause != logged_cause_) {
      log::Warning("backend_unreachable", {{"address", address_}, {"cause", cause}});
    }
    logged_cause_ = cause;
  }

  Backend::Health Judge() {
    const auto any = [this](bool Check::*said) {
      return std::any_of(checks_.begin(), checks_.end(),
                         [said](const auto& check) { return *check.*said; });
    };
    misses_ = any(&Check::answered) ? 0 : misses_ + 1;
    if (misses_ >= kMissesUntilGone) return Backend::Health::kGone;
    return any(&Check::says_yes) ? Backend::Health::kServing : Backend::Health::kNotServing;
  }

  const std::string address_;
  const size_t number_;
  const Report& report_;
  std::vector<std::unique_ptr<Check>> checks_;
  int misses_ = 0;
  std::string logged_cause_;
  std::thread thread_;
};

HealthWatch::HealthWatch(const std::vector<std::string>& addresses,
                         const std::vector<std::string>& services, Report report,
                         const BackendTls& tls)
    : report_(std::move(report)) {
  processes_.reserve(addresses.size());
  for (size_t i = 0; i < addresses.size(); ++i) {
    processes_.push_back(
        std::make_unique<Process>(addresses[i], services, i, tls, report_, stopping_));
  }
}

HealthWatch::~HealthWatch() { stopping_.Notify(); }

bool HealthWatch::Serving(size_t service) const {
  return std::any_of(processes_.begin(), processes_.end(),
                     [service](const auto& process) { return process->Serving(service); });
}

}  // namespace alma::gateway
