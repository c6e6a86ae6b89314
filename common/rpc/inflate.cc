#include "common/rpc/inflate.h"

#include <zlib.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "common/status/status.h"

namespace alma::rpc {
namespace {

enum class Format { kNone, kGzip, kZlib };

constexpr size_t kChunk = 64 * 1024;
// Both formats, told by their headers.
constexpr int kWindowBits = 15 + 32;

// RFC 1952 and RFC 1950. A gzip's first byte would be a tag of a wire type that there is not.
Format FormatOf(uint8_t first, uint8_t second) {
  if (first == 0x1f && second == 0x8b) return Format::kGzip;
  return first == 0x78 && (first * 256 + second) % 31 == 0 ? Format::kZlib : Format::kNone;
}

Format FormatOf(const grpc::Slice& slice) {
  return slice.size() < 2 ? Format::kNone : FormatOf(slice.begin()[0], slice.begin()[1]);
}

// Where one slice ends and the next begins is for the sender's frames to say: the first two bytes
// may stand in two of them.
Format FormatOf(const std::vector<grpc::Slice>& slices) {
  std::optional<uint8_t> first;
  for (const grpc::Slice& slice : slices) {
    if (slice.size() == 0) continue;
    if (first.has_value()) return FormatOf(*first, slice.begin()[0]);
    if (slice.size() > 1) return FormatOf(slice);
    first = slice.begin()[0];
  }
  return Format::kNone;
}

// The first slice alone, without those behind it where it says enough.
std::vector<grpc::Slice> CompressedSlices(const grpc::ByteBuffer& in, Format* format) {
  grpc::Slice single;
  std::vector<grpc::Slice> slices;
  if (in.TrySingleSlice(&single).ok()) {
    *format = FormatOf(single);
    if (*format != Format::kNone) slices.push_back(std::move(single));
    return slices;
  }
  in.Dump(&slices);
  *format = FormatOf(slices);
  return slices;
}

// Appends all that `stream` gives for its input; Z_OK when it wants more, Z_MEM_ERROR when there
// would be too much.
int InflateSlice(z_stream& stream, const grpc::Slice& slice, std::vector<grpc::Slice>* out,
                 size_t* size) {
  // zlib's interface predates const; it does not write there.
  stream.next_in = const_cast<uint8_t*>(slice.begin());
  stream.avail_in = static_cast<uInt>(slice.size());
  // On the heap: what a thread has of its own is taken from the stack of each, and those that serve
  // metrics have 100 KiB.
  thread_local std::vector<uint8_t> chunk(kChunk);
  int result = Z_OK;
  do {
    stream.next_out = chunk.data();
    stream.avail_out = kChunk;
    result = inflate(&stream, Z_NO_FLUSH);
    const size_t made = kChunk - stream.avail_out;
    *size += made;
    if (*size > size_t{kMaxMessageBytes}) return Z_MEM_ERROR;
    if (made > 0) out->emplace_back(chunk.data(), made);
  } while (result == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0));
  return result == Z_BUF_ERROR ? Z_OK : result;
}

}  // namespace

absl::StatusOr<bool> Inflate(const grpc::ByteBuffer& in, grpc::ByteBuffer* out) {
  Format format = Format::kNone;
  const std::vector<grpc::Slice> slices = CompressedSlices(in, &format);
  if (format == Format::kNone) return false;
  z_stream stream{};
  if (inflateInit2(&stream, kWindowBits) != Z_OK) return status::Internal();
  const absl::Cleanup end = [&stream] { inflateEnd(&stream); };
  std::vector<grpc::Slice> inflated;
  size_t size = 0;
  int result = Z_OK;
  for (const grpc::Slice& slice : slices) {
    if (slice.size() == 0) continue;
    // Bytes behind the end are damage, too.
    if (result != Z_OK) result = Z_DATA_ERROR;
    if (result == Z_OK) result = InflateSlice(stream, slice, &inflated, &size);
    if (result == Z_STREAM_END && stream.avail_in > 0) result = Z_DATA_ERROR;
    if (result == Z_MEM_ERROR) return status::RequestTooLarge();
  }
  if (result != Z_STREAM_END) {
    if (format == Format::kZlib) return false;
    return status::MalformedRequest();
  }
  grpc::ByteBuffer plain(inflated.data(), inflated.size());
  out->Swap(&plain);
  return true;
}

bool LooksCompressed(const grpc::ByteBuffer& in) {
  Format format = Format::kNone;
  CompressedSlices(in, &format);
  return format != Format::kNone;
}

}  // namespace alma::rpc
