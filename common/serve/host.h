#pragma once

#include "common/db/page_token.h"
#include "common/rpc/process.h"
#include "common/rpc/service.h"
#include "common/serve/databases.h"

namespace alma::serve {

// What the Module of a service folder is made with: its databases are among `databases`, and it
// adds its gRPC services to `process`. All of it outlives the module.
struct Host {
  rpc::Process& process;
  rpc::Runtime& runtime;
  const db::PageTokens& page_tokens;
  const Databases& databases;

  // Serves `service`, which is ready while `database` is.
  void Add(rpc::Service& service, const db::Database& database) {
    process.Add(service, [&database] { return database.Ready(); });
  }
};

}  // namespace alma::serve
