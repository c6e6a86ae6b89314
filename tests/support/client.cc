#include "tests/support/client.h"

#include <chrono>
#include <future>

#include <grpcpp/generic/generic_stub.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace alma::testing {
namespace {

constexpr std::chrono::seconds kDeadline{60};

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

}  // namespace

Answered<std::string> Client::CallBytes(const std::string& method,
                                        const std::string& request) const {
  const grpc::Slice slice(request);
  const grpc::ByteBuffer in(&slice, 1);
  grpc::ByteBuffer out;
  grpc::ClientContext context;
  Prepare(context);
  grpc::GenericStub stub(channel_);
  std::promise<grpc::Status> ended;
  stub.UnaryCall(&context, absl::StrCat("/", method), {}, &in, &out,
                 [&](grpc::Status status) { ended.set_value(std::move(status)); });
  Answered<std::string> answered{ended.get_future().get(), {}};
  if (answered.status.ok()) answered.response = ToString(out);
  return answered;
}

std::unique_ptr<grpc::ClientContext> Client::NewContext(absl::Duration timeout) const {
  auto context = std::make_unique<grpc::ClientContext>();
  Prepare(*context);
  context->set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  return context;
}

void Client::Prepare(grpc::ClientContext& context) const {
  for (const auto& [key, value] : metadata_) context.AddMetadata(key, value);
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
}

std::string AllOf(const grpc::Status& status) {
  return absl::StrCat(status.error_code(), "\n", status.error_message(), "\n",
                      status.error_details());
}

}  // namespace alma::testing
