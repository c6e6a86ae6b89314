#include "services/gateway/backend.h"

#include <utility>

#include "absl/time/clock.h"

namespace alma::gateway {

// To all processes of one target.
struct Backend::Path {
  Path(const std::string& target, const BackendTls& tls)
      : channel(NewChannel(target, tls)), stub(channel) {
    channel->GetState(/*try_to_connect=*/true);
  }

  std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
};

// A path per target, of which there is one but for unusual mixes of addresses.
struct Backend::Connection {
  Connection(const std::vector<std::string>& targets, const BackendTls& tls) {
    for (const std::string& target : targets) paths.push_back(std::make_unique<Path>(target, tls));
  }

  // The next one that works.
  Path& Next() {
    if (paths.size() == 1) return *paths.front();
    const size_t first = next.fetch_add(1, std::memory_order_relaxed);
    for (size_t i = 0; i < paths.size(); ++i) {
      Path& path = *paths[(first + i) % paths.size()];
      if (path.channel->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) return path;
    }
    return *paths[first % paths.size()];
  }

  std::vector<std::unique_ptr<Path>> paths;
  std::atomic<size_t> next = 0;
  std::atomic<int> calls = 0;
};

Backend::Place::Place(Backend& backend) : connection_(backend.Take()), path_(connection_.Next()) {}

Backend::Place::~Place() { connection_.calls.fetch_sub(1, std::memory_order_relaxed); }

grpc::GenericStub& Backend::Place::stub() const { return path_.stub; }

const std::shared_ptr<grpc::Channel>& Backend::Place::channel() const { return path_.channel; }

Backend::Backend(const std::vector<std::string>& addresses, BackendTls tls)
    : tls_(std::move(tls)), targets_(TargetsOf(addresses, tls_)) {
  At(0);
}

Backend::~Backend() = default;

void Backend::RetryNow() {
  const auto deadline = absl::ToChronoTime(absl::Now() + kReconnectWithin);
  for (const std::atomic<Connection*>& slot : connections_) {
    Connection* connection = slot.load(std::memory_order_acquire);
    if (connection == nullptr) break;
    for (const std::unique_ptr<Path>& path : connection->paths) {
      grpc::experimental::ChannelResetConnectionBackoff(path->channel.get());
    }
  }
  for (const std::unique_ptr<Path>& path : At(0).paths) path->channel->WaitForConnected(deadline);
}

Backend::Connection& Backend::Take() {
  for (size_t number = 0; number < kMaxConnections; ++number) {
    Connection& connection = At(number);
    if (connection.calls.fetch_add(1, std::memory_order_relaxed) < kCallsPerConnection) {
      return connection;
    }
    connection.calls.fetch_sub(1, std::memory_order_relaxed);
  }
  Connection& last = At(kMaxConnections - 1);
  last.calls.fetch_add(1, std::memory_order_relaxed);
  return last;
}

Backend::Connection& Backend::At(size_t number) {
  Connection* connection = connections_[number].load(std::memory_order_acquire);
  if (connection != nullptr) return *connection;
  absl::MutexLock lock(&mutex_);
  if (owned_.size() <= number) {
    owned_.push_back(std::make_unique<Connection>(targets_, tls_));
    connections_[number].store(owned_.back().get(), std::memory_order_release);
  }
  return *owned_[number];
}

}  // namespace alma::gateway
