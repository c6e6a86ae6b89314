#pragma once

#include <zlib.h>

#include <string>
#include <vector>

#include <grpcpp/support/byte_buffer.h>

#include "catch2/catch.hpp"

// Bytes as clients that compress them send them.
namespace alma::testing {

inline constexpr int kZlib = 15;
inline constexpr int kGzip = 15 + 16;

// In the format of these window bits.
inline std::string Deflate(const std::string& text, int window_bits) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 8,
                       Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// In slices of so many bytes.
inline grpc::ByteBuffer Buffer(const std::string& bytes, size_t slice = 1 << 20) {
  std::vector<grpc::Slice> slices;
  slices.reserve(bytes.size() / slice + 1);
  for (size_t at = 0; at < bytes.size(); at += slice) slices.emplace_back(bytes.substr(at, slice));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace alma::testing
