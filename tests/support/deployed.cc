#include "tests/support/deployed.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace alma::testing {
namespace {

constexpr std::array kServices = {"organizations", "conversations", "agents", "analytics"};

}  // namespace

std::ostream& operator<<(std::ostream& out, Deployment deployment) {
  switch (deployment) {
    case Deployment::kSqlite:
      return out << "alma serve on SQLite";
    case Deployment::kPostgresql:
      return out << "alma serve on PostgreSQL";
    case Deployment::kSplit:
      return out << "services behind the gateway";
  }
  return out;
}

db::Engine EngineOf(Deployment deployment) {
  return deployment == Deployment::kSqlite ? db::Engine::kSqlite : db::Engine::kPostgresql;
}

Deployed::Deployed(const AlmaStorage& storage, Deployment deployment,
                   const std::vector<std::string>& flags,
                   const std::vector<std::string>& gateway_flags) {
  if (deployment == Deployment::kSplit) {
    StartSplit(storage, flags, gateway_flags);
  } else {
    servers_.push_back(std::make_unique<AlmaServer>(storage, flags));
    conversations_ = servers_.back().get();
  }
}

void Deployed::StartSplit(const AlmaStorage& storage, const std::vector<std::string>& flags,
                          const std::vector<std::string>& gateway_flags) {
  const std::string secrets = "--principal_secret_file=" + storage.secret_file();
  std::vector<std::string> to_gateway = {secrets};
  for (const std::string name : kServices) {
    const std::string socket = absl::StrCat("unix:", storage.folder(), "/", name);
    std::vector<std::string> own_flags = {secrets, storage.location_flag(), "--listen=" + socket};
    own_flags.insert(own_flags.end(), flags.begin(), flags.end());
    servers_.push_back(std::make_unique<AlmaServer>(ServerCommand("alma-" + name, own_flags)));
    if (name == "conversations") conversations_ = servers_.back().get();
    to_gateway.push_back(absl::StrCat("--", name, "=", socket));
  }
  to_gateway.insert(to_gateway.end(), gateway_flags.begin(), gateway_flags.end());
  servers_.push_back(std::make_unique<AlmaServer>(ServerCommand("alma-gateway", to_gateway)));
}

Process& Deployed::conversations() { return conversations_->process(); }

bool Deployed::Running() {
  bool running = true;
  for (const auto& server : servers_) running = running && server->process().Running();
  return running;
}

Finished Deployed::Stop(int signal) {
  Finished all{};
  for (size_t left = servers_.size(); left > 0; --left) {
    const Finished ended = servers_[left - 1]->Stop(signal);
    if (all.exit_code == 0) all.exit_code = ended.exit_code;
    all.out += ended.out;
    all.err += ended.err;
  }
  return all;
}

}  // namespace alma::testing
