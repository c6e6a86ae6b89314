#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "absl/status/status.h"
#include "common/wire/encoded.h"
#include "google/protobuf/message.h"

namespace alma::rpc {

// Reads `in`, which is not compressed (see Inflate), into `message`, without the fields that its
// type does not know. INVALID_ARGUMENT otherwise: with the path of the field (reason FIELD_INVALID)
// where a string is not UTF-8, messages nest too deeply, a single int32 does not fit into 32 bits,
// or a message of a closed oneof (alma/rpc/v1/closed.proto) has fields that are not known; else
// reason MALFORMED_REQUEST.
absl::Status Parse(const grpc::ByteBuffer& in, google::protobuf::Message* message);

// INTERNAL when `message` does not serialize, which takes more than 2 GiB.
absl::Status Serialize(const google::protobuf::Message& message, grpc::ByteBuffer* out);

// The bytes as they are.
template <typename Message>
absl::Status Serialize(const wire::Encoded<Message>& encoded, grpc::ByteBuffer* out) {
  const grpc::Slice slice(encoded.bytes);
  *out = grpc::ByteBuffer(&slice, 1);
  return absl::OkStatus();
}

}  // namespace alma::rpc
