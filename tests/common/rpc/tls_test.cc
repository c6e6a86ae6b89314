#include "common/rpc/tls.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/rpc/server.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/support/captured.h"
#include "tests/support/certificates.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace alma::rpc {
namespace {

using grpc::health::v1::Health;
using testing::CertificateAuthority;
using testing::CertificateFiles;
using testing::Certified;
using testing::Eventually;
using testing::ReplaceFile;

// The watchers look one after the other; the rest is for a slow machine.
const absl::Duration kReloaded = 2 * Tls::kLookEvery + absl::Seconds(5);

// A server with a listener on TCP and one on a unix socket. Clients' certificates are asked for
// where it has authorities.
class Served {
 public:
  explicit Served(const CertificateFiles& files, const std::string& client_ca = "") {
    auto tls = Tls::ForServer({.certificate = {"--tls_cert", files.cert()},
                               .key = {"--tls_key", files.key()},
                               .authorities = {"--tls_client_ca", client_ca}});
    INFO(tls.status());
    REQUIRE(tls.ok());
    server_.emplace(
        ServerOptions{.name = "test", .listen = {"127.0.0.1:0", socket()}, .tls = *std::move(tls)});
    testing::Captured captured(STDOUT_FILENO);
    REQUIRE(server_->Start().ok());
    const std::string line = captured.Text();
    const size_t begin = line.find("127.0.0.1:");
    address_ = line.substr(begin, line.find('"', begin) - begin);
  }

  const std::string& address() const { return address_; }
  std::string socket() const { return absl::StrCat("unix:", folder_.path(), "/socket"); }

 private:
  const testing::TemporaryFolder folder_;
  std::optional<Server> server_;
  std::string address_;
};

struct Seen {
  grpc::Status status;
  // The server's certificate, as PEM.
  std::string certificate;
};

// One call on a connection of its own.
Seen Call(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
          const std::string& server_name = "") {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!server_name.empty()) arguments.SetSslTargetNameOverride(server_name);
  const auto channel = grpc::CreateCustomChannel(address, credentials, arguments);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::health::v1::HealthCheckResponse response;
  Seen seen;
  seen.status = Health::NewStub(channel)->Check(&context, {}, &response);
  if (!seen.status.ok()) return seen;
  for (const auto& pem : context.auth_context()->FindPropertyValues("x509_pem_cert")) {
    seen.certificate.append(pem.data(), pem.size());
  }
  return seen;
}

std::shared_ptr<grpc::ChannelCredentials> Trusting(const CertificateAuthority& authority,
                                                   const Certified& own = {}) {
  return grpc::SslCredentials({authority.certificate(), own.key, own.certificate});
}

bool ServedBecomes(const Served& served, const CertificateAuthority& authority,
                   const Certified& certified) {
  return Eventually(
      [&] {
        return Call(served.address(), Trusting(authority)).certificate == certified.certificate;
      },
      kReloaded);
}

TEST_CASE("a listener with TLS takes clients that trust its authority and no plain text") {
  const testing::TemporaryFolder folder;
  const CertificateAuthority authority("authority");
  const CertificateAuthority between("between", &authority);
  const Certified certified = between.Issue();
  const Served served({folder.path(), authority, certified});
  const Seen seen = Call(served.address(), Trusting(authority));
  CHECK(seen.status.ok());
  CHECK(certified.certificate.starts_with(seen.certificate));
  CHECK_FALSE(seen.certificate.empty());
  const CertificateAuthority stranger("stranger");
  for (const auto& refused : {Trusting(stranger), grpc::InsecureChannelCredentials()}) {
    CHECK(Call(served.address(), refused).status.error_code() == grpc::StatusCode::UNAVAILABLE);
  }
  CHECK(Call(served.address(), Trusting(authority), "other.test").status.error_code() ==
        grpc::StatusCode::UNAVAILABLE);
  CHECK(Call(served.socket(), grpc::InsecureChannelCredentials()).status.ok());
}

TEST_CASE("clients need a certificate of the authority where one is named") {
  const testing::TemporaryFolder folder;
  const CertificateAuthority authority("authority");
  const CertificateAuthority clients("clients");
  const CertificateFiles files(folder.path(), authority, authority.Issue());
  const std::string client_ca = folder.path() + "/clients.pem";
  ReplaceFile(client_ca, clients.certificate());
  const Served served(files, client_ca);
  const auto code = [&](const Certified& own) {
    return Call(served.address(), Trusting(authority, own)).status.error_code();
  };
  CHECK(code(clients.Issue()) == grpc::StatusCode::OK);
  CHECK(code({}) == grpc::StatusCode::UNAVAILABLE);
  CHECK(code(authority.Issue()) == grpc::StatusCode::UNAVAILABLE);
  CHECK(code(clients.Issue({.ends = -absl::Minutes(1)})) == grpc::StatusCode::UNAVAILABLE);

  // Authorities are read again too: one that comes lets in, one that is gone does not any more.
  const CertificateAuthority other("other");
  const Certified of_other = other.Issue();
  const Certified of_clients = clients.Issue();
  CHECK(code(of_other) == grpc::StatusCode::UNAVAILABLE);
  ReplaceFile(client_ca, other.certificate());
  CHECK(Eventually([&] { return code(of_other) == grpc::StatusCode::OK; }, kReloaded));
  CHECK(code(of_clients) == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("a new certificate is shown to new connections and no call fails meanwhile") {
  const testing::TemporaryFolder folder;
  const CertificateAuthority authority("authority");
  Certified current = authority.Issue();
  const CertificateFiles files(folder.path(), authority, current);
  const Served served(files);
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0;
  std::atomic<int> failed = 0;
  std::thread load([&] {
    while (!stop) {
      if (!Call(served.address(), Trusting(authority)).status.ok()) ++failed;
      ++calls;
    }
  });
  int reloaded = 0;
  for (int i = 0; i < 3; ++i) {
    current = authority.Issue();
    files.Replace(current);
    if (ServedBecomes(served, authority, current)) ++reloaded;
  }
  stop = true;
  load.join();
  CHECK(reloaded == 3);
  CHECK(failed == 0);
  CHECK(calls > 10);
}

TEST_CASE("files that do not do leave the certificate in use and are logged once") {
  const testing::TemporaryFolder folder;
  const CertificateAuthority authority("authority");
  const Certified first = authority.Issue();
  const Certified second = authority.Issue();
  const CertificateFiles files(folder.path(), authority, first);
  const Served served(files);
  testing::Captured captured(STDERR_FILENO);
  const auto still_first = [&] {
    // So long that what has been taken would be shown.
    absl::SleepFor(2 * Tls::kLookEvery + absl::Milliseconds(500));
    return Call(served.address(), Trusting(authority)).certificate == first.certificate;
  };
  ReplaceFile(files.cert(), second.certificate);
  const bool at_mismatch = still_first();
  ReplaceFile(files.cert(), second.certificate.substr(0, 200));
  const bool at_half = still_first();
  unlink(files.cert().c_str());
  const bool at_none = still_first();
  ReplaceFile(files.key(), second.key);
  ReplaceFile(files.cert(), second.certificate);
  const bool at_last = ServedBecomes(served, authority, second);
  const std::string log = captured.Text();
  CHECK(at_mismatch);
  CHECK(at_half);
  CHECK(at_none);
  CHECK(at_last);
  INFO(log);
  for (const char* cause : {"not the key of", "broken", "cannot open"}) {
    const size_t found = log.find(cause);
    CHECK(found != std::string::npos);
    CHECK(log.find(cause, found + 1) == std::string::npos);
  }
  CHECK(log.find("tls_files_loaded") != std::string::npos);
}

// How often `text` stands in `log`.
int CountOf(const std::string& log, const std::string& text) {
  int count = 0;
  for (size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
  return count;
}

TEST_CASE("authorities are replaced though the certificate beside them would not do") {
  const testing::TemporaryFolder folder;
  const CertificateAuthority authority("authority");
  const CertificateAuthority taken_out("taken out");
  const CertificateAuthority other("other");
  const Certified certified = authority.Issue();
  const CertificateFiles files(folder.path(), authority, certified);
  const std::string client_ca = folder.path() + "/clients.pem";
  ReplaceFile(client_ca, taken_out.certificate());
  const Served served(files, client_ca);
  const auto code = [&](const Certified& own) {
    return Call(served.address(), Trusting(authority, own)).status.error_code();
  };
  const Certified of_taken_out = taken_out.Issue();
  const Certified of_other = other.Issue();
  REQUIRE(code(of_taken_out) == grpc::StatusCode::OK);
  testing::Captured captured(STDERR_FILENO);
  files.Replace(authority.Issue({.ends = -absl::Minutes(1)}));
  ReplaceFile(client_ca, other.certificate());
  const bool replaced =
      Eventually([&] { return code(of_other) == grpc::StatusCode::OK; }, kReloaded);
  const grpc::StatusCode refused = code(of_taken_out);
  const Seen seen = Call(served.address(), Trusting(authority, of_other));
  // And the other way round.
  ReplaceFile(client_ca, "none");
  const Certified renewed = authority.Issue();
  files.Replace(renewed);
  const bool renewed_beside = Eventually(
      [&] {
        return Call(served.address(), Trusting(authority, of_other)).certificate ==
               renewed.certificate;
      },
      kReloaded);
  const std::string log = captured.Text();
  INFO(log);
  CHECK(replaced);
  CHECK(refused == grpc::StatusCode::UNAVAILABLE);
  CHECK(seen.certificate == certified.certificate);
  CHECK(renewed_beside);
  CHECK(CountOf(log, "expired at") == 1);
  CHECK(CountOf(log, "no certificate in it") == 1);
}

// Files beyond this size cannot be written, those in memory included.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST_CASE("a part that cannot be published is tried again and the other one is not repeated") {
  const testing::TemporaryFolder folder;
  const CertificateAuthority authority("authority");
  const CertificateFiles files(folder.path(), authority, authority.Issue());
  const std::string client_ca = folder.path() + "/clients.pem";
  ReplaceFile(client_ca, authority.certificate());
  const Served served(files, client_ca);
  const Certified renewed = authority.Issue();
  const std::string large = folder.path() + "/large.pem";
  std::string many;
  while (many.size() < 256 * 1024) many += authority.certificate();
  ReplaceFile(large, many);
  testing::Captured captured(STDERR_FILENO);
  bool moved = false;
  {
    const FileSizeLimit limit(128 * 1024);
    moved = rename(large.c_str(), client_ca.c_str()) == 0;
    files.Replace(renewed);
    absl::SleepFor(4 * Tls::kLookEvery);
  }
  absl::SleepFor(2 * Tls::kLookEvery);
  const std::string log = captured.Text();
  INFO(log);
  CHECK(moved);
  CHECK(CountOf(log, R"("flag":"--tls_cert")") == 1);
  CHECK(CountOf(log, "a file in memory") == 1);
  CHECK(CountOf(log, R"("flag":"--tls_client_ca")") == 1);
}

TEST_CASE("the channels of a client follow its files") {
  const testing::TemporaryFolder of_server;
  const testing::TemporaryFolder of_client;
  const CertificateAuthority authority("authority");
  const CertificateAuthority clients("clients");
  const CertificateFiles files(of_server.path(), authority, authority.Issue());
  const CertificateFiles own(of_client.path(), CertificateAuthority("wrong"), clients.Issue());
  ReplaceFile(of_server.path() + "/clients.pem", clients.certificate());
  const Served served(files, of_server.path() + "/clients.pem");
  const auto tls = Tls::ForClient({.certificate = {"--backend_cert", own.cert()},
                                   .key = {"--backend_key", own.key()},
                                   .authorities = {"--backend_ca", own.ca()}});
  REQUIRE(tls.ok());
  const grpc::Status refused = Call(served.address(), (*tls)->ChannelCredentials()).status;
  CHECK(refused.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK_THAT(refused.error_message(), Catch::Matchers::Contains("certificate verify failed"));
  ReplaceFile(own.ca(), authority.certificate());
  const absl::Time end = absl::Now() + kReloaded;
  const auto channel = grpc::CreateChannel(served.address(), (*tls)->ChannelCredentials());
  bool connected = false;
  while (!connected && absl::Now() < end) {
    connected =
        channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(1));
  }
  CHECK(connected);
  CHECK(Call(served.address(), (*tls)->ChannelCredentials(), "localhost").status.ok());
  const grpc::Status other =
      Call(served.address(), (*tls)->ChannelCredentials(), "other.test").status;
  CHECK(other.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK_THAT(other.error_message(), Catch::Matchers::Contains("Hostname Verification"));
}

TEST_CASE("TLS without the flag that it needs is refused and without any flag there is none") {
  const TlsFiles::File none{"--cert", ""};
  const TlsFiles::File given{"--given", "/nowhere"};
  CHECK(*Tls::ForServer({none, none, none}) == nullptr);
  CHECK(*Tls::ForClient({none, none, none}) == nullptr);
  CHECK(Tls::ForServer({none, none, given}).status().message() == "--given needs --cert");
  CHECK(Tls::ForServer({given, none, none}).status().message() == "--given needs --cert");
  CHECK(Tls::ForServer({none, given, given}).status().message() == "--given needs --cert");
  CHECK(Tls::ForClient({none, given, none}).status().message() == "--given needs --cert");
  CHECK(Tls::ForClient({given, none, none}).status().message() == "--given needs --cert");
  CHECK(absl::IsNotFound(Tls::ForClient({none, none, given}).status()));
}

}  // namespace
}  // namespace alma::rpc
