#include "common/rpc/answer.h"

#include <optional>

#include "common/rpc/inflate.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::rpc {

grpc::ServerUnaryReactor* Answer::Begin(const Method& method, Runtime& runtime,
                                        grpc::CallbackServerContext& context,
                                        const grpc::ByteBuffer& in, grpc::ByteBuffer* out) {
  auto* answer = new Answer(method, runtime, context, in, out);
  grpc::ServerUnaryReactor* const reactor = answer->reactor_;
  if (!Exists(method, runtime)) {
    answer->Finish(status::MethodUnimplemented());
  } else {
    runtime.hold.Pass([answer] { answer->Queue(); });
  }
  return reactor;
}

Answer::Answer(const Method& method, Runtime& runtime, grpc::CallbackServerContext& context,
               const grpc::ByteBuffer& in, grpc::ByteBuffer* out)
    : method_(method),
      workers_(runtime.workers),
      record_(method, runtime, context, runtime.default_deadline),
      in_(&in),
      out_(out),
      reactor_(context.DefaultReactor()) {}

void Answer::Queue() {
  const std::optional<absl::Status> admitted = record_.TryAdmit();
  if (admitted.has_value() && !admitted->ok()) return Finish(*admitted);
  if (admitted.has_value() && MayRunAtOnce()) return Run([] { return absl::OkStatus(); });
  if (!workers_.Submit([this] { Run(); }, record_.deadline(), record_.Writer())) {
    Finish(status::Overloaded(workers_.RetryAfter(record_.Writer())));
  }
}

bool Answer::MayRunAtOnce() const {
  return method_.late_handler != nullptr && in_->Length() <= kMaxBytesAtOnce &&
         !LooksCompressed(*in_);
}

void Answer::Run() {
  on_worker_ = true;
  Run([this] { return record_.Admit(); });
}

void Answer::Run(absl::FunctionRef<absl::Status()> admit) {
  const bool is_late = method_.late_handler != nullptr;
  const absl::Status status = record_.Guard([&]() -> absl::Status {
    RETURN_IF_ERROR(admit());
    return Handle();
  });
  // A late handler may have finished by now, and this object with it.
  if (!is_late || !status.ok()) Finish(status);
}

absl::Status Answer::Handle() {
  ASSIGN_OR_RETURN(const bool compressed, Inflate(*in_, &inflated_));
  if (compressed) in_ = &inflated_;
  if (method_.late_handler != nullptr) return method_.late_handler(*this);
  return method_.handler(call(), *in_, out_);
}

void Answer::Finish(const absl::Status& status) {
  if (status.ok()) record_.SendInitialMetadata();
  reactor_->Finish(record_.Close(status));
  delete this;
}

}  // namespace alma::rpc
