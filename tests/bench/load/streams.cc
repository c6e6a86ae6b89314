#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <string>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "alma/conversations/v1/messages.grpc.pb.h"
#include "common/status/macros.h"
#include "tests/bench/load/program.h"
#include "tests/bench/load/workload.h"

ABSL_FLAG(std::string, target, "", "Where to call: unix:/path or IPv4:port.");
ABSL_FLAG(std::string, organization, "", "Organization of the principal.");
ABSL_FLAG(std::string, principal_secret_file, "", "The secret of principals.");
ABSL_FLAG(int64_t, conversations, 1, "Conversations there are.");
ABSL_FLAG(int64_t, import, 0, "So many messages are imported ...");
ABSL_FLAG(int64_t, export, 0, "... or exported, of those that there are.");

namespace alma::bench {
namespace {

namespace v1 = conversations::v1;

constexpr char kUsage[] =
    "imports or exports messages through gRPC's own client and prints as JSON how fast.";

absl::Status Failed(const std::string& what) { return absl::InternalError(what); }

void SetCredential(Workload& workload, grpc::ClientContext* context) {
  const Request request = workload.Next();
  std::string principal;
  absl::Base64Unescape(std::string(request.credential_value), &principal);
  context->AddMetadata(std::string(request.credential), principal);
}

absl::Status Import(v1::MessagesService::Stub& stub, Workload& workload, int64_t count) {
  grpc::ClientContext context;
  SetCredential(workload, &context);
  const auto stream = stub.ImportMessages(&context);
  std::thread writer([&] {
    v1::ImportMessagesRequest item;
    for (int64_t i = 0; i < count; ++i) {
      // A CreateMessageRequest has its message in the same field.
      if (!item.ParseFromString(workload.Next().message) || !stream->Write(item)) return;
    }
    stream->WritesDone();
  });
  int64_t stored = 0;
  v1::ImportMessagesResponse answer;
  while (stream->Read(&answer)) stored += answer.has_message() ? 1 : 0;
  writer.join();
  const grpc::Status ended = stream->Finish();
  if (!ended.ok()) return Failed(ended.error_message());
  return stored == count ? absl::OkStatus() : Failed(absl::StrCat(stored, " messages stored"));
}

absl::Status Export(v1::MessagesService::Stub& stub, Workload& workload, int64_t count) {
  grpc::ClientContext context;
  SetCredential(workload, &context);
  const auto stream = stub.ExportMessages(&context, v1::ExportMessagesRequest());
  int64_t read = 0;
  v1::ExportMessagesResponse message;
  while (read < count && stream->Read(&message)) ++read;
  context.TryCancel();
  stream->Finish();
  return read == count ? absl::OkStatus() : Failed(absl::StrCat(read, " messages exported"));
}

absl::Status Run() {
  WorkloadOptions work;
  work.organization = absl::GetFlag(FLAGS_organization);
  work.conversations = absl::GetFlag(FLAGS_conversations);
  work.principal_secret_file = absl::GetFlag(FLAGS_principal_secret_file);
  ASSIGN_OR_RETURN(Workload workload, Workload::Create(work));
  const auto stub = v1::MessagesService::NewStub(
      grpc::CreateChannel(absl::GetFlag(FLAGS_target), grpc::InsecureChannelCredentials()));
  const int64_t imported = absl::GetFlag(FLAGS_import);
  const int64_t exported = absl::GetFlag(FLAGS_export);
  const absl::Time begun = absl::Now();
  RETURN_IF_ERROR(imported > 0 ? Import(*stub, workload, imported)
                               : Export(*stub, workload, exported));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begun);
  absl::PrintF("{\"rows\":%d,\"seconds\":%.6f}\n", imported + exported, seconds);
  return absl::OkStatus();
}

}  // namespace
}  // namespace alma::bench

int main(int argc, char** argv) {
  return alma::bench::RunProgram(argc, argv, "alma_streams", alma::bench::kUsage, alma::bench::Run);
}
