#include <sys/stat.h>

#include <fstream>

#include <google/protobuf/util/time_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/auth/api_key.h"
#include "common/auth/principal.h"
#include "common/auth/scopes.h"
#include "tests/support/alma_server.h"
#include "tests/system/conversations.h"
#include "tests/system/grpcurl.h"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;
using auth::v1::Principal;
using auth::v1::SignedPrincipal;

constexpr char kPrincipal[] = "alma-principal-bin";
constexpr char kPlain[] = "alma-organization";
constexpr char kOrganization[] = "01920000-0000-7000-8000-0000000000aa";
const std::string kOld(32, 'o');
const std::string kNew(32, 'n');

void WriteSecrets(const std::string& path, const std::vector<std::string>& secrets) {
  {
    std::ofstream file(path);
    for (const std::string& secret : secrets) file << absl::BytesToHexString(secret) << '\n';
  }
  REQUIRE(chmod(path.c_str(), S_IRUSR | S_IWUSR) == 0);
}

// An `alma-conversations` that knows the secret kOld, or those that are given.
struct Service {
  explicit Service(const std::vector<std::string>& secrets = {kOld},
                   const std::vector<std::string>& flags = {})
      : storage(db::Engine::kSqlite), server(Command(secrets, flags)) {}

  std::vector<std::string> Command(const std::vector<std::string>& secrets,
                                   const std::vector<std::string>& flags) const {
    WriteSecrets(storage.secret_file(), secrets);
    std::vector<std::string> all = {storage.location_flag(),
                                    "--principal_secret_file=" + storage.secret_file()};
    all.insert(all.end(), flags.begin(), flags.end());
    return ServerCommand("alma-conversations", all);
  }

  grpc::Status List(Client::Metadata metadata) const {
    const Client client(server.channel(), std::move(metadata));
    return client
        .Call(&v1::ConversationsService::Stub::ListConversations, v1::ListConversationsRequest())
        .status;
  }

  // Fails the test case unless such a call is told what one without a principal is told.
  void CheckNotLetIn(Client::Metadata metadata) const {
    const grpc::Status without = List({});
    REQUIRE(without.error_code() == grpc::StatusCode::UNAUTHENTICATED);
    REQUIRE(ReasonOf(without) == "API_KEY_INVALID");
    const grpc::Status answered = List(std::move(metadata));
    CHECK(AllOf(answered) == AllOf(without));
  }

  const AlmaStorage storage;
  AlmaServer server;
};

// Issued at `issued`, counted from now, good for a minute.
Principal PrincipalAt(absl::Duration issued = absl::ZeroDuration()) {
  using google::protobuf::util::TimeUtil;
  Principal principal;
  principal.set_organization_uuid(kOrganization);
  for (const std::string& scope : auth::TenantScopes()) principal.add_scopes(scope);
  const absl::Time from = absl::Now() + issued;
  *principal.mutable_issued_at() = TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(from));
  *principal.mutable_expires_at() =
      TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(from + absl::Minutes(1)));
  return principal;
}

std::string Sign(const Principal& principal, const std::string& secret = kOld) {
  return auth::PrincipalSigner({{secret}}).Sign(principal);
}

// A signature under the right secret, for another purpose.
std::string SignForPages(const Principal& principal) {
  SignedPrincipal envelope;
  envelope.set_principal(principal.SerializeAsString());
  const auth::Mac mac = auth::MacKeys({{kOld}}, "alma page token v1").Sign(envelope.principal());
  envelope.set_signature(mac.data(), mac.size());
  return envelope.SerializeAsString();
}

// A good signature over what another service might take for a caller.
std::string SignBytes(const std::string& bytes) {
  SignedPrincipal envelope;
  envelope.set_principal(bytes);
  const auth::Mac mac = auth::MacKeys({{kOld}}, "alma principal v1").Sign(bytes);
  envelope.set_signature(mac.data(), mac.size());
  return envelope.SerializeAsString();
}

TEST_CASE("a service lets in the principal that is signed with its secret") {
  const Service service;
  CHECK(service.List({{kPrincipal, Sign(PrincipalAt())}}).ok());
  // Clocks differ.
  CHECK(service.List({{kPrincipal, Sign(PrincipalAt(absl::Seconds(20)))}}).ok());
  CHECK(service.List({{kPrincipal, Sign(PrincipalAt(absl::Seconds(-80)))}}).ok());
}

TEST_CASE("a service answers every principal that is none as it answers a call without one") {
  const Service service;
  const std::string good = Sign(PrincipalAt());
  REQUIRE(service.List({{kPrincipal, good}}).ok());

  service.CheckNotLetIn({{kPrincipal, good}, {kPrincipal, good}});
  service.CheckNotLetIn({{"authorization", "Bearer " + auth::NewApiKey()}});
  // Text instead of the bytes, under either name.
  service.CheckNotLetIn({{"alma-principal", absl::Base64Escape(good)}});
  service.CheckNotLetIn({{kPrincipal, absl::Base64Escape(good)}});
  service.CheckNotLetIn({{kPlain, kOrganization}});

  Principal without_organization = PrincipalAt();
  without_organization.clear_organization_uuid();
  Principal without_end = PrincipalAt();
  without_end.clear_expires_at();
  Principal without_beginning = PrincipalAt();
  without_beginning.clear_issued_at();
  std::string changed = good;
  changed[changed.find(kOrganization)] = '1';
  for (const std::string& bad :
       {std::string(), std::string("\xff\xff"), good + "x", good.substr(1), changed,
        Sign(PrincipalAt(absl::Seconds(-95))), Sign(PrincipalAt(absl::Minutes(2))),
        Sign(PrincipalAt(), kNew), SignForPages(PrincipalAt()), SignBytes(kOrganization),
        SignBytes(""), Sign(without_organization), Sign(without_end), Sign(without_beginning)}) {
    CAPTURE(absl::BytesToHexString(bad));
    service.CheckNotLetIn({{kPrincipal, bad}});
  }
}

TEST_CASE("a service checks the scopes of a principal whatever its gateway has checked") {
  const Service service;
  Principal principal = PrincipalAt();
  principal.clear_scopes();
  principal.add_scopes("conversations.write");
  const grpc::Status refused = service.List({{kPrincipal, Sign(principal)}});
  CHECK(refused.error_code() == grpc::StatusCode::PERMISSION_DENIED);
  CHECK(ReasonOf(refused) == "SCOPE_MISSING");
}

TEST_CASE("a service knows two secrets while they are rotated") {
  const Service service({kNew, kOld});
  CHECK(service.List({{kPrincipal, Sign(PrincipalAt(), kOld)}}).ok());
  CHECK(service.List({{kPrincipal, Sign(PrincipalAt(), kNew)}}).ok());
  service.CheckNotLetIn({{kPrincipal, Sign(PrincipalAt(), std::string(32, 'x'))}});
  const Service after({kNew});
  CHECK(after.List({{kPrincipal, Sign(PrincipalAt(), kNew)}}).ok());
  after.CheckNotLetIn({{kPrincipal, Sign(PrincipalAt(), kOld)}});
}

TEST_CASE("a plain organization is taken only where it is asked for and only on loopback") {
  const Service service({kOld}, {"--insecure_principal"});
  CHECK(service.List({{kPlain, kOrganization}}).ok());
  CHECK(service.List({{kPrincipal, Sign(PrincipalAt())}}).ok());
  service.CheckNotLetIn({{kPlain, "escola"}});
  service.CheckNotLetIn({{kPlain, kOrganization}, {kPlain, kOrganization}});
  service.CheckNotLetIn({{kPlain, kOrganization}, {kPrincipal, Sign(PrincipalAt())}});

  const AlmaStorage storage(db::Engine::kSqlite);
  for (const char* listen : {"--listen=0.0.0.0:0", "--listen=127.0.0.1:0,[::]:0"}) {
    CAPTURE(listen);
    const Finished ended =
        Run(ServerCommand("alma-conversations", {storage.location_flag(),
                                                 "--principal_secret_file=" + storage.secret_file(),
                                                 listen, "--insecure", "--insecure_principal"}));
    CHECK(ended.exit_code == 1);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Catch::Matchers::Contains("alma: --insecure_principal: "));
  }
}

TEST_CASE("the principal that alma principal prints opens a service to grpcurl") {
  const Service service({kNew, kOld});
  const std::string secrets = "--principal_secret_file=" + service.storage.secret_file();
  const std::string organization = absl::StrCat("--organization=", kOrganization);
  const Finished printed = RunAlma({"principal", secrets, organization});
  REQUIRE(printed.exit_code == 0);
  CHECK(printed.err.empty());
  std::string value(absl::StripTrailingAsciiWhitespace(printed.out));
  CHECK(printed.out == value + "\n");

  const std::vector<std::string> flags = {"-H", absl::StrCat(kPrincipal, ": ", value)};
  const auto made = GrpcurlCall(
      service.server.address(), "alma.conversations.v1.ConversationsService/CreateConversation",
      R"({"conversation": {"externalParticipants": ["a"], "origin": "CRM"}})", flags);
  CHECK_FALSE(made.fields().at("uuid").string_value().empty());

  std::string bytes;
  REQUIRE(absl::Base64Unescape(value, &bytes));
  // The first secret signs.
  CHECK(auth::PrincipalSigner({{kNew}}).Verify(bytes, absl::Now()).ok());
  const auto principal = auth::PrincipalSigner({{kNew, kOld}}).Verify(bytes, absl::Now());
  REQUIRE(principal.ok());
  CHECK(principal->organization_uuid() == kOrganization);
  CHECK(std::vector<std::string>(principal->scopes().begin(), principal->scopes().end()) ==
        auth::TenantScopes());
  CHECK(principal->expires_at().seconds() - principal->issued_at().seconds() == 60);
}

TEST_CASE("alma principal has the scopes and the end that it is asked for") {
  const Service service;
  const Finished printed =
      RunAlma({"principal", "--principal_secret_file=" + service.storage.secret_file(),
               absl::StrCat("--organization=", kOrganization), "--scopes=agents.read", "--ttl=5m"});
  std::string bytes;
  REQUIRE(absl::Base64Unescape(printed.out, &bytes));
  const auto principal = auth::PrincipalSigner({{kOld}}).Verify(bytes, absl::Now());
  REQUIRE(principal.ok());
  CHECK(principal->scopes_size() == 1);
  CHECK(principal->expires_at().seconds() - principal->issued_at().seconds() == 300);
  CHECK(service.List({{kPrincipal, bytes}}).error_code() == grpc::StatusCode::PERMISSION_DENIED);
}

TEST_CASE("alma principal names the flag that is wrong and prints nothing else") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string secrets = "--principal_secret_file=" + storage.secret_file();
  const std::string organization = absl::StrCat("--organization=", kOrganization);
  const std::vector<std::pair<std::string, std::vector<std::string>>> wrong = {
      {"--principal_secret_file", {organization}},
      {"--organization", {secrets}},
      {"--organization", {secrets, "--organization=escola"}},
      {"--organization", {secrets, "--organization=00000000-0000-0000-0000-000000000000"}},
      {"--scopes", {secrets, organization, "--scopes="}},
      {"--scopes", {secrets, organization, "--scopes=agents.read,agents.rule"}},
      {"--ttl", {secrets, organization, "--ttl=0s"}},
      {"--ttl", {secrets, organization, "--ttl=-1s"}},
      {"--ttl", {secrets, organization, "--ttl=61m"}},
      {"--ttl", {secrets, organization, "--ttl=inf"}},
      {"ttl", {secrets, organization, "--ttl=soon"}},
  };
  for (const auto& [flag, flags] : wrong) {
    CAPTURE(flags);
    std::vector<std::string> arguments = {"principal"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Finished ended = RunAlma(arguments);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Catch::Matchers::Contains(flag));
  }
}

}  // namespace
}  // namespace alma::testing
