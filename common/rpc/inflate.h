#pragma once

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/statusor.h"
#include "common/rpc/connection.h"

namespace alma::rpc {

// A server takes messages as they came, compressed or not (see Server): gRPC 1.51 would inflate
// them without a limit, and before any key is looked at. Whoever reads one calls this first, behind
// the key and once: what was compressed twice is no message.
//
// Whether `in` is gzip or zlib ("deflate"), and then in `*out` what it holds. They are told by what
// they begin with: no message begins as gzip does, and what only looks like zlib is not taken for
// it. RESOURCE_EXHAUSTED as soon as it holds more than kMaxMessageBytes, INVALID_ARGUMENT for gzip
// that is damaged.
absl::StatusOr<bool> Inflate(const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

// Whether `in` begins as what Inflate would inflate; cheap.
bool LooksCompressed(const grpc::ByteBuffer& in);

}  // namespace alma::rpc
