#pragma once

#include <cstddef>

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/statusor.h"

namespace alma::rpc {

// What a request message takes at most, before and after it is inflated.
inline constexpr size_t kMaxMessageBytes = 4 * 1024 * 1024;

// A server takes messages as they came, compressed or not (see Server): gRPC 1.51 would inflate
// them without a limit, and before any key is looked at. Whoever reads one calls this first, behind
// the key.
//
// Whether `in` is gzip or zlib ("deflate"), and then in `*out` what it holds. They are told by what
// they begin with: no message begins as gzip does, and what only looks like zlib is not taken for
// it. RESOURCE_EXHAUSTED as soon as it holds more than kMaxMessageBytes, INVALID_ARGUMENT for gzip
// that is damaged.
absl::StatusOr<bool> Inflate(const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

}  // namespace alma::rpc
