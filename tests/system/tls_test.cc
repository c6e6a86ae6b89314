#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alma/agents/v1/agents.grpc.pb.h"
#include "tests/support/alma_server.h"
#include "tests/support/certificates.h"
#include "tests/support/client.h"
#include "tests/support/deployed.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"
#include "tests/system/health.h"

namespace alma::testing {
namespace {

using agents::v1::AgentsService;
using agents::v1::ListAgentsRequest;
using Catch::Matchers::Contains;

constexpr char kListAgents[] = "alma.agents.v1.AgentsService/ListAgents";

std::vector<std::string> TlsFlags(const CertificateFiles& files) {
  return {"--tls_cert=" + files.cert(), "--tls_key=" + files.key()};
}

std::vector<std::string> Together(std::vector<std::string> flags,
                                  const std::vector<std::string>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

// Alma in this shape, with these flags for the listener that clients call.
Deployed Deploy(const AlmaStorage& storage, Deployment deployment,
                const std::vector<std::string>& flags) {
  const bool split = deployment == Deployment::kSplit;
  return {storage, deployment, split ? std::vector<std::string>{} : flags, flags};
}

Finished Grpcurl(const std::vector<std::string>& flags, const std::string& address,
                 const std::string& key) {
  return Run(Together(Together({"grpcurl", "-connect-timeout", "3"}, flags),
                      {"-H", "authorization: Bearer " + key, address, kListAgents}));
}

// On a connection of its own.
std::shared_ptr<grpc::Channel> Connect(const std::string& address, const std::string& ca) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials({ca, "", ""}), arguments);
}

grpc::Status ListAgents(const std::shared_ptr<grpc::Channel>& channel, const std::string& key) {
  return Client(channel, key).Call(&AgentsService::Stub::ListAgents, ListAgentsRequest()).status;
}

// The certificate of whoever listens, as PEM.
std::string Shown(const std::string& address, const std::string& ca) {
  grpc::ClientContext context;
  agents::v1::ListAgentsResponse ignored;
  AgentsService::NewStub(Connect(address, ca))->ListAgents(&context, ListAgentsRequest(), &ignored);
  const auto pem = context.auth_context()->FindPropertyValues("x509_pem_cert");
  return pem.empty() ? "" : std::string(pem.front().data(), pem.front().size());
}

TEST_CASE("grpcurl calls over TLS and cannot in plain text or with another authority") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  const CertificateAuthority authority("authority");
  const CertificateFiles files(storage.folder(), authority, authority.Issue());
  const Deployed server = Deploy(storage, deployment, TlsFlags(files));
  const Finished called = Grpcurl({"-cacert", files.ca()}, server.address(), key);
  CHECK(called.exit_code == 0);
  CHECK(called.out == "{}\n");
  const std::string foreign = storage.folder() + "/foreign.pem";
  ReplaceFile(foreign, CertificateAuthority("foreign").certificate());
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"-plaintext"}, {"-cacert", foreign}}) {
    const Finished refused = Grpcurl(flags, server.address(), key);
    CHECK(refused.exit_code != 0);
    CHECK(refused.out.empty());
  }
  CHECK(ListAgents(server.channel(), key).error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("with a client authority grpcurl needs a certificate of it") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string key = Bootstrap(storage).secret;
  const CertificateAuthority authority("authority");
  const CertificateFiles files(storage.folder(), authority, authority.Issue());
  const TemporaryFolder of_client;
  const CertificateFiles client(of_client.path(), authority, authority.Issue());
  const TemporaryFolder of_stranger;
  const CertificateFiles stranger(of_stranger.path(), authority,
                                  CertificateAuthority("stranger").Issue());
  const AlmaServer server(storage, Together(TlsFlags(files), {"--tls_client_ca=" + files.ca()}));
  const auto call = [&](const std::vector<std::string>& flags) {
    return Grpcurl(Together({"-cacert", files.ca()}, flags), server.address(), key).exit_code;
  };
  CHECK(call({"-cert", client.cert(), "-key", client.key()}) == 0);
  CHECK(call({"-cert", stranger.cert(), "-key", stranger.key()}) != 0);
  CHECK(call({}) != 0);
}

TEST_CASE("a certificate is replaced under load without a failed call", "[long]") {
  const Deployment deployment = GENERATE(Deployment::kSqlite, Deployment::kSplit);
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  const CertificateAuthority authority("authority");
  const std::string ca = authority.certificate();
  Certified current = authority.Issue();
  const CertificateFiles files(storage.folder(), authority, current);
  const Deployed server = Deploy(storage, deployment, TlsFlags(files));
  REQUIRE(Eventually([&] { return Health(Connect(server.address(), ca)) == "SERVING"; },
                     absl::Seconds(10)));
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0;
  std::atomic<int> failed = 0;
  const auto load = [&](bool connect_each) {
    auto channel = Connect(server.address(), ca);
    while (!stop) {
      if (connect_each) channel = Connect(server.address(), ca);
      if (!ListAgents(channel, key).ok()) ++failed;
      ++calls;
    }
  };
  std::thread old_connection(load, false);
  std::thread new_connections(load, true);
  int replaced = 0;
  for (int i = 0; i < 4; ++i) {
    current = authority.Issue();
    files.Replace(current);
    if (Eventually([&] { return Shown(server.address(), ca) == current.certificate; },
                   absl::Seconds(10))) {
      ++replaced;
    }
  }
  stop = true;
  old_connection.join();
  new_connections.join();
  CHECK(replaced == 4);
  CHECK(failed == 0);
  CHECK(calls > 100);
}

// Services that ask for certificates of `authority` on two ports each, and what a gateway needs to
// be told.
class TlsServices {
 public:
  enum class UnixSockets { kNo, kToo };

  TlsServices(const AlmaStorage& storage, const CertificateFiles& files,
              UnixSockets unix_sockets = UnixSockets::kNo) {
    const bool too = unix_sockets == UnixSockets::kToo;
    for (const char* name : {"organizations", "agents"}) {
      const std::string socket = too ? absl::StrCat(",unix:", storage.folder(), "/", name) : "";
      servers_.push_back(std::make_unique<AlmaServer>(ServerCommand(
          absl::StrCat("alma-", name),
          Together(TlsFlags(files),
                   {"--listen=127.0.0.1:0,127.0.0.1:0" + socket, storage.location_flag(),
                    "--principal_secret_file=" + storage.secret_file(),
                    "--tls_client_ca=" + files.ca()}))));
      const std::string second = AwaitAddress(servers_.back()->process());
      gateway_flags_.push_back(absl::StrCat("--", name, "=", servers_.back()->address(),
                                            ",localhost", second.substr(second.rfind(':')),
                                            socket));
    }
    gateway_flags_.push_back("--principal_secret_file=" + storage.secret_file());
  }

  std::vector<std::string> GatewayCommand(const std::vector<std::string>& flags) const {
    return ServerCommand("alma-gateway", Together(gateway_flags_, flags));
  }

 private:
  std::vector<std::unique_ptr<AlmaServer>> servers_;
  std::vector<std::string> gateway_flags_;
};

std::vector<std::string> BackendFlags(const CertificateFiles& files) {
  return {"--backend_ca=" + files.ca(), "--backend_cert=" + files.cert(),
          "--backend_key=" + files.key()};
}

TEST_CASE("a gateway calls services over mutual TLS and both follow their files", "[long]") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const std::string key = Bootstrap(storage).secret;
  const CertificateAuthority authority("authority");
  const CertificateFiles files(storage.folder(), authority, authority.Issue());
  const TemporaryFolder folder;
  const CertificateFiles own(folder.path(), authority,
                             authority.Issue({.names = "DNS:gateway.test"}));
  const TlsServices services(storage, files);
  AlmaServer gateway(services.GatewayCommand(BackendFlags(own)));
  REQUIRE(HealthBecomes(gateway.channel(), "SERVING", absl::Seconds(10)));
  CHECK(ListAgents(gateway.channel(), key).ok());

  // All change to another authority, by way of both: no call fails.
  const CertificateAuthority next("next");
  const std::string both = authority.certificate() + next.certificate();
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::thread load([&] {
    while (!stop) {
      if (!ListAgents(gateway.channel(), key).ok()) ++failed;
    }
  });
  const auto let_them_look = [] { absl::SleepFor(absl::Seconds(3)); };
  ReplaceFile(files.ca(), both);
  ReplaceFile(own.ca(), both);
  let_them_look();
  files.Replace(next.Issue());
  own.Replace(next.Issue());
  let_them_look();
  ReplaceFile(files.ca(), next.certificate());
  ReplaceFile(own.ca(), next.certificate());
  let_them_look();
  stop = true;
  load.join();
  CHECK(failed == 0);
  // One that comes now meets the new ones only.
  AlmaServer newcomer(services.GatewayCommand(BackendFlags(own)));
  CHECK(HealthBecomes(newcomer.channel(), "SERVING", absl::Seconds(10)));
  CHECK(ListAgents(newcomer.channel(), key).ok());
}

TEST_CASE("services on TCP are called with TLS and those on unix sockets without") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const std::string key = Bootstrap(storage).secret;
  const CertificateAuthority authority("authority");
  const CertificateFiles files(
      storage.folder(), authority,
      authority.Issue({.names = "DNS:alma.test,DNS:localhost,IP:127.0.0.1"}));
  const TlsServices services(storage, files, TlsServices::UnixSockets::kToo);
  for (const std::string name : {"", "--backend_server_name=alma.test"}) {
    CAPTURE(name);
    std::vector<std::string> flags = BackendFlags(files);
    if (!name.empty()) flags.push_back(name);
    AlmaServer gateway(services.GatewayCommand(flags));
    REQUIRE(HealthBecomes(gateway.channel(), "SERVING", absl::Seconds(10)));
    int failed = 0;
    for (int i = 0; i < 20; ++i) {
      if (!ListAgents(gateway.channel(), key).ok()) ++failed;
    }
    CHECK(failed == 0);
    // All three are reached, not just called around.
    CHECK_THAT(gateway.process().Errors(), !Contains("backend_unreachable"));
  }
}

TEST_CASE("a gateway that cannot agree with its services answers UNAVAILABLE and logs why") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const std::string key = Bootstrap(storage).secret;
  const CertificateAuthority authority("authority");
  const CertificateFiles files(storage.folder(), authority, authority.Issue());
  const TlsServices services(storage, files);
  const TemporaryFolder folder;
  const CertificateFiles foreign(folder.path(), CertificateAuthority("foreign"), authority.Issue());
  // What the gateway itself finds out; where it is the service that ends the handshake, gRPC knows
  // no more than that.
  struct Case {
    std::vector<std::string> flags;
    std::string cause;
  };
  const std::vector<std::string> found_out = {"certificate verify failed",
                                              "Hostname Verification Check failed"};
  const std::vector<Case> cases = {
      {BackendFlags(foreign), found_out[0]},
      {Together(BackendFlags(files), {"--backend_server_name=other.test"}), found_out[1]},
      {{"--backend_ca=" + files.ca()}, ""},
      {{}, ""},
  };
  for (const Case& wrong : cases) {
    CAPTURE(wrong.cause);
    AlmaServer gateway(services.GatewayCommand(wrong.flags));
    CHECK(ListAgents(gateway.channel(), key).error_code() == grpc::StatusCode::UNAVAILABLE);
    CHECK(Health(gateway.channel()) == "NOT_SERVING");
    CHECK(Eventually([&] {
      const std::string log = gateway.process().Errors();
      return log.find("backend_unreachable") != std::string::npos &&
             log.find(wrong.cause) != std::string::npos;
    }));
    for (const std::string& cause : found_out) {
      if (cause != wrong.cause) CHECK_THAT(gateway.process().Errors(), !Contains(cause));
    }
  }
}

TEST_CASE("a listener off loopback needs TLS or insecure") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  Bootstrap(storage);
  const CertificateAuthority authority("authority");
  const CertificateFiles files(storage.folder(), authority, authority.Issue());
  const std::string secrets = "--principal_secret_file=" + storage.secret_file();
  const std::vector<std::vector<std::string>> commands = {
      ServeCommand(storage, {}),
      ServerCommand("alma-agents", {storage.location_flag(), secrets}),
      ServerCommand("alma-gateway", {"--organizations=127.0.0.1:1", secrets}),
  };
  // Of no machine (RFC 5737), so that nothing listens there even where it may.
  const std::string listen = "--listen=192.0.2.1:0";
  for (const std::vector<std::string>& command : commands) {
    CAPTURE(command);
    const auto run = [&](const std::vector<std::string>& flags) {
      Finished ended = Process(Together(command, flags)).Wait(absl::Seconds(30));
      CHECK(ended.exit_code == 1);
      CHECK(ended.out.empty());
      return ended.err;
    };
    CHECK_THAT(run({listen}), Contains("192.0.2.1:0 is not on loopback and has no TLS"));
    CHECK_THAT(run({"--listen=127.0.0.1:0,192.0.2.1:0"}), Contains("has no TLS"));
    for (const auto& allowed : {TlsFlags(files), std::vector<std::string>{"--insecure"}}) {
      const std::string said = run(Together(allowed, {listen}));
      CHECK_THAT(said, !Contains("has no TLS"));
      CHECK_THAT(said, Contains("cannot listen on 192.0.2.1:0"));
    }
    // The metrics have no TLS.
    const std::vector<std::string> metrics = {"--metrics_listen=192.0.2.1:0"};
    CHECK_THAT(run(Together(TlsFlags(files), metrics)), Contains("--metrics_listen"));
  }
}

TEST_CASE("wrong TLS flags end a program at its start with a line that names the flag") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const CertificateAuthority authority("authority");
  const CertificateFiles files(storage.folder(), authority, authority.Issue());
  const std::string other = storage.folder() + "/other.pem";
  ReplaceFile(other, authority.Issue().key);
  const std::string open_key = storage.folder() + "/open.pem";
  ReplaceFile(open_key, authority.Issue().key);
  REQUIRE(chmod(open_key.c_str(), 0644) == 0);
  const std::string expired = storage.folder() + "/expired.pem";
  const Certified past = authority.Issue({.ends = -absl::Minutes(1)});
  ReplaceFile(expired, past.certificate + past.key);
  const std::string cert = "--tls_cert=" + files.cert();
  const std::string key = "--tls_key=" + files.key();
  struct Case {
    std::vector<std::string> flags;
    int exit_code;
    std::string line;
  };
  const std::vector<Case> serve = {
      {{cert}, 2, "alma: --tls_cert needs --tls_key"},
      {{key}, 2, "alma: --tls_key needs --tls_cert"},
      {{"--tls_client_ca=" + files.ca()}, 2, "alma: --tls_client_ca needs --tls_cert"},
      {{"--tls_cert=/nowhere", key}, 1, "alma: --tls_cert: cannot open /nowhere"},
      {{cert, "--tls_key=/nowhere"}, 1, "alma: --tls_key: cannot open /nowhere"},
      {{cert, "--tls_key=" + other}, 1, "alma: --tls_key: " + other + ": not the key of"},
      {{cert, "--tls_key=" + open_key}, 1, "alma: --tls_key: others may use " + open_key},
      {{"--tls_cert=" + expired, "--tls_key=" + expired},
       1,
       "alma: --tls_cert: " + expired + ": expired"},
      {{cert, key, "--tls_client_ca=" + other}, 1, "alma: --tls_client_ca: " + other},
  };
  const std::vector<Case> gateway = {
      {{"--backend_cert=" + files.cert()}, 2, "alma: --backend_cert needs --backend_ca"},
      {{"--backend_key=" + files.key()}, 2, "alma: --backend_key needs --backend_ca"},
      {{"--backend_server_name=a.test"}, 2, "alma: --backend_server_name needs --backend_ca"},
      {{"--backend_ca=" + files.ca(), "--backend_key=" + files.key()},
       2,
       "alma: --backend_key needs --backend_cert"},
      {{"--backend_ca=/nowhere"}, 1, "alma: --backend_ca: cannot open /nowhere"},
      {{cert}, 2, "alma: --tls_cert needs --tls_key"},
  };
  const auto check = [](const std::vector<std::string>& command, const Case& wrong) {
    CAPTURE(wrong.flags);
    const Finished ended = Process(command).Wait(absl::Seconds(30));
    CHECK(ended.exit_code == wrong.exit_code);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Contains(wrong.line));
    CHECK_THAT(ended.err, !Contains("PRIVATE"));
  };
  for (const Case& wrong : serve) check(ServeCommand(storage, wrong.flags), wrong);
  for (const Case& wrong : gateway) {
    check(
        ServerCommand("alma-gateway", Together({"--organizations=127.0.0.1:1",
                                                "--principal_secret_file=" + storage.secret_file()},
                                               wrong.flags)),
        wrong);
  }
}

}  // namespace
}  // namespace alma::testing
