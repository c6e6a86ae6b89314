#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.h"
#include "common/db/page_token.h"
#include "common/metrics/metrics.h"
#include "common/rpc/caller.h"
#include "common/rpc/hold.h"
#include "common/rpc/service.h"
#include "common/rpc/worker_pool.h"

namespace alma::fuzz {

// A method that this process answers.
struct Target {
  const google::protobuf::MethodDescriptor& descriptor;
  const rpc::Method& method;
};

// All services of Alma over SQLite in a temporary folder, which stays behind. Without sockets:
// whoever has a Target calls its handler. Not thread-safe.
class Services {
 public:
  Services();
  ~Services();

  const std::vector<Target>& targets() const { return targets_; }
  // By its path; nullptr where there is no such method.
  const Target* Find(std::string_view path) const;

  // Takes all rows out of all databases.
  void Clear();

 private:
  struct Stored;
  struct Storage {
    std::unique_ptr<db::Database> database;
    std::vector<std::string> clear;
  };

  db::Database& Open(const db::Schema& schema);
  void Add(std::unique_ptr<rpc::Service> service);

  const std::string folder_;
  std::vector<Storage> storages_;
  rpc::WorkerPool workers_;
  rpc::PrincipalCallers callers_;
  metrics::Calls metrics_;
  rpc::Hold hold_;
  rpc::Runtime runtime_;
  const db::PageTokens page_tokens_;
  std::unique_ptr<Stored> stored_;
  std::vector<std::unique_ptr<rpc::Service>> services_;
  std::vector<Target> targets_;
};

}  // namespace alma::fuzz
