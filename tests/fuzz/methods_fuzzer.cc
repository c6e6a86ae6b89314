#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/auth/scopes.h"
#include "common/rpc/inflate.h"
#include "common/rpc/late_call.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "google/protobuf/dynamic_message.h"
#include "google/rpc/status.pb.h"
#include "tests/fuzz/calls.pb.h"
#include "tests/fuzz/message_mutator.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/services.h"

extern "C" size_t LLVMFuzzerMutate(std::uint8_t* data, size_t size, size_t max_size);

// Requests of any bytes to any method, a few after another, by a caller who may do everything.
namespace alma::fuzz {
namespace {

using google::protobuf::Message;

constexpr char kOrganization[] = "0190f5fe-0000-7000-8000-0000000000aa";
constexpr int kMaxCalls = 8;
constexpr int kMaxRuns = 64;
constexpr size_t kMaxAnswer = 4 * 1024 * 1024;

// What contract.md lets a caller with every scope be told by a server that lacks nothing.
constexpr std::array<std::pair<absl::StatusCode, std::string_view>, 9> kRefusals = {{
    {absl::StatusCode::kInvalidArgument, "FIELD_INVALID"},
    {absl::StatusCode::kInvalidArgument, "MALFORMED_REQUEST"},
    {absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID"},
    {absl::StatusCode::kNotFound, "NOT_FOUND"},
    {absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS"},
    {absl::StatusCode::kAlreadyExists, "DELETED"},
    {absl::StatusCode::kFailedPrecondition, "DELETED"},
    {absl::StatusCode::kAborted, "REVISION_STALE"},
    // What is inflated beyond 4 MiB.
    {absl::StatusCode::kResourceExhausted, "MALFORMED_REQUEST"},
}};

Services& AllServices() {
  static auto* const services = new Services();
  return *services;
}

const auth::v1::Principal& Caller() {
  static const auth::v1::Principal* const caller = [] {
    auto* principal = new auth::v1::Principal();
    principal->set_organization_uuid(kOrganization);
    for (const std::string_view scope : auth::kAllScopes) {
      principal->add_scopes(std::string(scope));
    }
    principal->add_scopes(std::string(auth::kInternal));
    return principal;
  }();
  return *caller;
}

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  Require(buffer.Dump(&slices).ok(), "an answer without bytes");
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor& type) {
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

void CheckRefusal(const Target& target, const absl::Status& refused) {
  const std::pair refusal(refused.code(), status::Reason(refused));
  Require(std::find(kRefusals.begin(), kRefusals.end(), refusal) != kRefusals.end(),
          absl::StrCat(target.method.path, " answers ", refused.ToString()));
  const google::rpc::Status sent = status::ToRpcStatus(refused);
  Require(sent.ByteSizeLong() <= status::kMaxDetailsBytes, "details beyond their limit");
  Require(google::rpc::Status().ParseFromString(sent.SerializeAsString()), "details of no UTF-8");
}

// A stream's item that was refused by itself.
void CheckItem(const Target& target, const Message& answer) {
  const auto* field = answer.GetDescriptor()->FindFieldByName("error");
  if (field == nullptr || !answer.GetReflection()->HasField(answer, field)) return;
  google::rpc::Status error;
  error.CopyFrom(answer.GetReflection()->GetMessage(answer, field));
  Require(error.code() != static_cast<int>(absl::StatusCode::kInternal) &&
              error.code() != static_cast<int>(absl::StatusCode::kUnknown),
          absl::StrCat(target.method.path, " answers an item ", error.message()));
  Require(error.ByteSizeLong() <= status::kMaxDetailsBytes, "details beyond their limit");
}

// The `next_page_token` of the answer, where it has one.
std::string CheckAnswer(const Target& target, const grpc::ByteBuffer& out) {
  const std::string bytes = ToBytes(out);
  Require(bytes.size() <= kMaxAnswer, "an answer beyond a client's limit");
  const auto answer = NewMessage(*target.descriptor.output_type());
  Require(answer->ParseFromString(bytes), "an answer that clients cannot read");
  CheckItem(target, *answer);
  const auto* token = answer->GetDescriptor()->FindFieldByName("next_page_token");
  return token == nullptr ? "" : answer->GetReflection()->GetString(*answer, token);
}

// A call of a late handler that is waited for.
class AwaitedCall final : public rpc::LateCall {
 public:
  AwaitedCall(const rpc::Call& call, const grpc::ByteBuffer& in) : call_(call), in_(in) {}

  rpc::Call call() const override { return call_; }
  const grpc::ByteBuffer& in() const override { return in_; }
  absl::Status CheckAwaited() const override { return absl::OkStatus(); }
  absl::Status CheckKnown() override { return absl::OkStatus(); }
  absl::Status CheckAdmitted() override { return absl::OkStatus(); }
  bool OnWorker() const override { return true; }
  void FinishLate(absl::FunctionRef<absl::Status(grpc::ByteBuffer*)> serialize) override {
    done_ = serialize(&out_);
    finished_.Notify();
  }

  absl::Status Run(const rpc::Method::LateHandler& handler, grpc::ByteBuffer* out) {
    RETURN_IF_ERROR(handler(*this));
    finished_.WaitForNotification();
    *out = out_;
    return done_;
  }

 private:
  const rpc::Call call_;
  const grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
  absl::Status done_;
  absl::Notification finished_;
};

// The request as a handler gets it.
absl::StatusOr<grpc::ByteBuffer> Plain(const std::string& request) {
  const grpc::ByteBuffer given = ToBuffer(request);
  grpc::ByteBuffer inflated;
  ASSIGN_OR_RETURN(const bool compressed, rpc::Inflate(given, &inflated));
  return compressed ? inflated : given;
}

absl::Status Handle(const Target& target, const rpc::Call& call, const std::string& request,
                    grpc::ByteBuffer* out) {
  ASSIGN_OR_RETURN(const grpc::ByteBuffer in, Plain(request));
  const rpc::Method& method = target.method;
  if (method.late_handler == nullptr) return method.handler(call, in, out);
  return AwaitedCall(call, in).Run(method.late_handler, out);
}

std::string CallUnary(const Target& target, const rpc::Call& call, const std::string& request) {
  grpc::ByteBuffer out;
  const absl::Status done = Handle(target, call, request, &out);
  if (done.ok()) return CheckAnswer(target, out);
  CheckRefusal(target, done);
  return "";
}

void CallStream(const Target& target, const rpc::Call& call, const Call& input) {
  const auto handler = target.method.new_stream([] {});
  std::vector<rpc::StreamHandler::Item> in;
  in.reserve(input.requests_size());
  for (const std::string& request : input.requests()) in.push_back(Plain(request));
  for (int run = 0; run < kMaxRuns; ++run) {
    std::vector<grpc::ByteBuffer> out;
    const auto next = handler->Work(call, in, /*ended=*/true, &out);
    for (const grpc::ByteBuffer& answer : out) CheckAnswer(target, answer);
    if (!next.ok()) return CheckRefusal(target, next.status());
    if (*next != rpc::StreamHandler::Next::kAgain && in.empty()) return;
  }
}

// The request, with `token` where it asks for the page after the last one by "next".
std::string WithToken(const Target& target, const std::string& bytes, const std::string& token) {
  const auto request = NewMessage(*target.descriptor.input_type());
  const auto* field = request->GetDescriptor()->FindFieldByName("page_token");
  if (field == nullptr || !request->ParseFromString(bytes) ||
      request->GetReflection()->GetString(*request, field) != "next") {
    return bytes;
  }
  request->GetReflection()->SetString(request.get(), field, token);
  return request->SerializeAsString();
}

void MakeCalls(const Calls& calls) {
  AllServices().Clear();
  std::string token;
  for (const Call& input : calls.calls()) {
    const Target* target = AllServices().Find(input.method());
    if (target == nullptr) continue;
    const rpc::Call call{Caller(), absl::Now() + absl::Minutes(5)};
    if (target->method.new_stream != nullptr) {
      CallStream(*target, call, input);
    } else {
      const std::string request = input.requests().empty() ? "" : input.requests(0);
      token = CallUnary(*target, call, WithToken(*target, request, token));
    }
  }
}

int Below(Random& random, int bound) {
  return std::uniform_int_distribution<int>(0, bound - 1)(random);
}

void AddCall(Calls* calls, Random& random) {
  const auto& targets = AllServices().targets();
  const Target& target = targets[Below(random, static_cast<int>(targets.size()))];
  const auto request = NewMessage(*target.descriptor.input_type());
  for (int i = Below(random, 12); i >= 0; --i) Mutate(request.get(), random);
  Call& call = *calls->add_calls();
  call.set_method(target.method.path);
  call.add_requests(request->SerializePartialAsString());
  const int place = Below(random, calls->calls_size());
  calls->mutable_calls()->SwapElements(place, calls->calls_size() - 1);
}

void MutateBytes(std::string* bytes) {
  const size_t size = bytes->size();
  bytes->resize(size + 64);
  bytes->resize(
      LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(bytes->data()), size, bytes->size()));
}

void MutateRequest(Call* call, Random& random) {
  const Target* target = AllServices().Find(call->method());
  if (target == nullptr || call->requests().empty()) return;
  std::string* bytes = call->mutable_requests(Below(random, call->requests_size()));
  const auto request = NewMessage(*target->descriptor.input_type());
  if (Below(random, 5) == 0 || !request->ParseFromString(*bytes)) return MutateBytes(bytes);
  for (int i = Below(random, 3); i >= 0; --i) Mutate(request.get(), random);
  *bytes = request->SerializePartialAsString();
}

void MutateCalls(Calls* calls, Random& random) {
  const int size = calls->calls_size();
  const int choice = Below(random, 12);
  if (size == 0 || (choice == 0 && size < kMaxCalls)) return AddCall(calls, random);
  Call* call = calls->mutable_calls(Below(random, size));
  if (choice == 1) {
    calls->mutable_calls()->SwapElements(Below(random, size), size - 1);
  } else if (choice == 2 && size > 1) {
    calls->mutable_calls()->RemoveLast();
  } else if (choice == 3 && size < kMaxCalls) {
    const Call copy = *call;
    *calls->add_calls() = copy;
  } else if (choice == 4 && !call->requests().empty()) {
    const std::string copy = call->requests(0);
    call->add_requests(copy);
  } else {
    MutateRequest(call, random);
  }
}

}  // namespace
}  // namespace alma::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  alma::fuzz::Calls calls;
  if (!calls.ParseFromArray(data, static_cast<int>(size))) return -1;
  alma::fuzz::MakeCalls(calls);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(std::uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  alma::fuzz::Random random(seed);
  alma::fuzz::Calls calls;
  if (!calls.ParseFromArray(data, static_cast<int>(size))) calls.Clear();
  alma::fuzz::MutateCalls(&calls, random);
  const std::string mutated = calls.SerializePartialAsString();
  if (mutated.size() > max_size) return size;
  std::copy(mutated.begin(), mutated.end(), data);
  return mutated.size();
}
