#pragma once

#include <memory>
#include <string>

#include "common/db/page_token.h"
#include "tests/support/database.h"
#include "tests/support/service_harness.h"

namespace alma::testing {

// A gRPC service of one store over one database, behind a stub:
//
//   Served<AgentStore, AgentsService, v1::AgentsService> served(engine, Schema());
//   served.Call(&v1::AgentsService::Stub::GetAgent, Caller(kOurs, {auth::kAgentsRead}), request)
template <typename Store, typename Service, typename Api>
struct Served {
  using Stub = typename Api::Stub;

  Served(db::Engine engine, const db::Schema& schema)
      : database(engine, schema),
        store(*database),
        page_tokens({{std::string(32, 's')}}),
        service(*runtime, store, page_tokens),
        server({&service}),
        stub(Api::NewStub(server.channel())) {}

  template <typename Request, typename Response>
  Answered<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                          const auth::v1::Principal& caller, const Request& request) {
    return testing::Call(*stub, method, caller, request);
  }

  TestDatabase database;
  Store store;
  const db::PageTokens page_tokens;
  TestRuntime runtime;
  Service service;
  InProcessServer server;
  std::unique_ptr<Stub> stub;
};

}  // namespace alma::testing
