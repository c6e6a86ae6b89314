#include "services/gateway/backend.h"

#include <array>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace alma::gateway {
namespace {

// How good a process is for a call: the best take it in turn, and 0 is none.
int RankOf(Backend::Health health, grpc::Channel& channel) {
  if (health == Backend::Health::kGone) return 0;
  const grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
  const bool ready = state == GRPC_CHANNEL_READY;
  if (health == Backend::Health::kServing && state != GRPC_CHANNEL_TRANSIENT_FAILURE) {
    return ready ? 4 : 3;
  }
  return ready ? 2 : 1;
}

}  // namespace

struct Backend::Connection {
  explicit Connection(Process& to);

  Process& process;
  const std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
  std::atomic<int> calls = 0;
};

struct Backend::Process {
  Process(const std::string& address, const BackendTls& with)
      : target(TargetOf(address)), tls(with) {
    At(0);
  }

  // The first one with room for a call.
  Connection& WithRoom() {
    size_t number = 0;
    while (number + 1 < kMaxConnections &&
           At(number).calls.load(std::memory_order_relaxed) >= rpc::kGatewayCallsPerConnection) {
      ++number;
    }
    return At(number);
  }

  // The one of this number, made when it is not there yet.
  Connection& At(size_t number) ABSL_LOCKS_EXCLUDED(mutex) {
    Connection* connection = connections[number].load(std::memory_order_acquire);
    if (connection != nullptr) return *connection;
    absl::MutexLock lock(&mutex);
    if (owned.size() <= number) {
      owned.push_back(std::make_unique<Connection>(*this));
      connections[number].store(owned.back().get(), std::memory_order_release);
    }
    return *owned[number];
  }

  // Does not wait for gRPC's next try.
  void Reconnect() {
    for (const std::atomic<Connection*>& slot : connections) {
      Connection* connection = slot.load(std::memory_order_acquire);
      if (connection == nullptr) break;
      grpc::experimental::ChannelResetConnectionBackoff(connection->channel.get());
    }
    At(0).channel->WaitForConnected(absl::ToChronoTime(absl::Now() + kReconnectWithin));
  }

  const std::string target;
  const BackendTls tls;
  std::atomic<Health> health = Health::kUnknown;
  absl::Mutex mutex;
  std::vector<std::unique_ptr<Connection>> owned ABSL_GUARDED_BY(mutex);
  // The same, in order, without the mutex.
  std::array<std::atomic<Connection*>, kMaxConnections> connections{};
};

Backend::Connection::Connection(Process& to)
    : process(to), channel(NewChannel(to.target, to.tls)), stub(channel) {
  channel->GetState(/*try_to_connect=*/true);
}

Backend::Place::Place(Backend& backend) : connection_(backend.Pick(&reachable_)) {
  connection_.calls.fetch_add(1, std::memory_order_relaxed);
}

Backend::Place::~Place() { connection_.calls.fetch_sub(1, std::memory_order_relaxed); }

void Backend::Place::Failed() {
  Health serving = Health::kServing;
  connection_.process.health.compare_exchange_strong(serving, Health::kNotServing);
}

grpc::GenericStub& Backend::Place::stub() const { return connection_.stub; }

const std::shared_ptr<grpc::Channel>& Backend::Place::channel() const {
  return connection_.channel;
}

Backend::Backend(const std::vector<std::string>& addresses, const BackendTls& tls) {
  processes_.reserve(addresses.size());
  for (const std::string& address : addresses) {
    processes_.push_back(std::make_unique<Process>(address, tls));
  }
}

Backend::~Backend() = default;

bool Backend::Report(size_t process, Health health) {
  Process& known = *processes_[process];
  const bool begins = health == Health::kServing && known.health.load() != health;
  if (begins) known.Reconnect();
  known.health.store(health);
  return begins;
}

Backend::Connection& Backend::Pick(bool* reachable) {
  absl::InlinedVector<Connection*, 16> best;
  int best_rank = 0;
  for (const std::unique_ptr<Process>& process : processes_) {
    Connection& connection = process->WithRoom();
    const int rank = RankOf(process->health.load(std::memory_order_relaxed), *connection.channel);
    if (rank > best_rank) best.clear();
    if (rank < best_rank) continue;
    best_rank = rank;
    best.push_back(&connection);
  }
  *reachable = best_rank > 0;
  return *best[next_.fetch_add(1, std::memory_order_relaxed) % best.size()];
}

}  // namespace alma::gateway
