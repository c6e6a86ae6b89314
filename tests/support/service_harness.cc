#include "tests/support/service_harness.h"

#include <future>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "common/rpc/parse.h"
#include "common/status/status.h"
#include "google/protobuf/stubs/logging.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace alma::testing {
namespace {

constexpr char kPrincipal[] = "test-principal-bin";

template <typename Detail>
Detail DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  Detail found;
  for (const auto& any : details.details()) {
    if (any.Is<Detail>()) any.UnpackTo(&found);
  }
  return found;
}

}  // namespace

class TestRuntime::PrincipalInMetadata final : public rpc::Callers {
 public:
  bool MayBeInternal() const override { return true; }

  absl::StatusOr<auth::SharedPrincipal> Resolve(const rpc::Metadata& metadata,
                                                absl::Time) override {
    const auto entry = metadata.find(kPrincipal);
    if (entry == metadata.end()) return status::ApiKeyInvalid();
    auto principal = std::make_shared<auth::v1::Principal>();
    principal->ParseFromArray(entry->second.data(), static_cast<int>(entry->second.size()));
    return principal;
  }
};

auth::v1::Principal Caller(std::string_view organization_uuid,
                           const std::vector<std::string_view>& scopes) {
  auth::v1::Principal principal;
  principal.set_organization_uuid(std::string(organization_uuid));
  for (const std::string_view scope : scopes) principal.add_scopes(std::string(scope));
  return principal;
}

std::string ReasonOf(const grpc::Status& status) {
  return DetailOf<google::rpc::ErrorInfo>(status).reason();
}

std::vector<std::string> FieldsOf(const grpc::Status& status) {
  std::vector<std::string> fields;
  const auto bad_request = DetailOf<google::rpc::BadRequest>(status);
  for (const auto& violation : bad_request.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

TestRuntime::TestRuntime()
    : workers_(/*threads=*/8, /*queue_limit=*/1000),
      callers_(std::make_unique<PrincipalInMetadata>()),
      runtime_{workers_, *callers_, metrics_, hold_} {}

TestRuntime::~TestRuntime() = default;

InProcessServer::InProcessServer(const std::vector<rpc::Service*>& services) {
  grpc::ServerBuilder builder;
  for (rpc::Service* service : services) builder.RegisterService(service);
  server_ = builder.BuildAndStart();
  channel_ = server_->InProcessChannel({});
}

InProcessServer::~InProcessServer() { server_->Shutdown(); }

void SetCaller(grpc::ClientContext& context, const auth::v1::Principal& caller) {
  context.AddMetadata(kPrincipal, caller.SerializeAsString());
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
}

grpc::Status CallMethod(const InProcessServer& server,
                        const google::protobuf::MethodDescriptor& method,
                        const auth::v1::Principal& caller,
                        const google::protobuf::Message& request) {
  // Requests with text that is no UTF-8 are sent on purpose.
  const google::protobuf::LogSilencer silencer;
  grpc::ByteBuffer in;
  grpc::ByteBuffer out;
  if (!rpc::Serialize(request, &in).ok()) {
    return grpc::Status(grpc::StatusCode::UNKNOWN, "does not serialize");
  }
  grpc::ClientContext context;
  SetCaller(context, caller);
  grpc::GenericStub stub(server.channel());
  std::promise<grpc::Status> ended;
  stub.UnaryCall(&context, absl::StrCat("/", method.service()->full_name(), "/", method.name()), {},
                 &in, &out, [&](grpc::Status status) { ended.set_value(std::move(status)); });
  return ended.get_future().get();
}

}  // namespace alma::testing
