#include "common/rpc/answer.h"

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
  } else if (!runtime.workers.Submit([answer] { answer->Run(); }, answer->record_.deadline())) {
    answer->Finish(status::Overloaded(runtime.workers.RetryAfter()));
  }
  return reactor;
}

Answer::Answer(const Method& method, Runtime& runtime, grpc::CallbackServerContext& context,
               const grpc::ByteBuffer& in, grpc::ByteBuffer* out)
    : method_(method),
      record_(method, runtime, context, runtime.default_deadline),
      in_(in),
      out_(out),
      reactor_(context.DefaultReactor()) {}

void Answer::Run() {
  Finish(record_.Guard([this] { return Handle(); }));
}

absl::Status Answer::Handle() {
  RETURN_IF_ERROR(record_.Admit());
  return method_.handler(Call{record_.caller(), record_.deadline()}, in_, out_);
}

void Answer::Finish(const absl::Status& status) {
  if (status.ok()) record_.SendInitialMetadata();
  reactor_->Finish(record_.Close(status));
  delete this;
}

}  // namespace alma::rpc
