#include "common/rpc/inflate.h"

#include <link.h>

#include <string>
#include <vector>

#include "catch2/catch.hpp"
#include "tests/support/deflate.h"

namespace alma::rpc {
namespace {

using testing::Buffer;
using testing::Deflate;
using testing::kGzip;
using testing::kZlib;

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  buffer.Dump(&slices);
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

std::string Text(size_t size) {
  std::string text;
  text.reserve(size);
  for (size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i * i % 251));
  return text;
}

TEST_CASE("what was compressed is inflated however it is cut into slices") {
  for (const int format : {kZlib, kGzip}) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{65'536}, size_t{1'000'000}}) {
      for (const size_t slice : {size_t{1}, size_t{2}, size_t{1000}, size_t{1} << 20}) {
        CAPTURE(format, size, slice);
        const std::string text = Text(size);
        const grpc::ByteBuffer in = Buffer(Deflate(text, format), slice);
        CHECK(LooksCompressed(in));
        grpc::ByteBuffer out;
        const auto inflated = Inflate(in, &out);
        REQUIRE(inflated.ok());
        CHECK(*inflated);
        CHECK((size == 0 || TextOf(out) == text));
      }
    }
  }
}

TEST_CASE("what holds as much as a request may is inflated and a byte more is refused") {
  for (const int format : {kZlib, kGzip}) {
    grpc::ByteBuffer out;
    CHECK(Inflate(Buffer(Deflate(std::string(kMaxMessageBytes, 'a'), format)), &out).value());
    CHECK(out.Length() == size_t{kMaxMessageBytes});
    const absl::Status refused =
        Inflate(Buffer(Deflate(std::string(kMaxMessageBytes + 1, 'a'), format)), &out).status();
    CHECK(absl::IsResourceExhausted(refused));
  }
}

TEST_CASE("what is not compressed is left alone though it looks as if") {
  for (const std::string& plain :
       {std::string(), std::string("\x1f", 1), std::string("x"), std::string("\x0a\x01z"),
        std::string("\x78\x9c"), std::string("\x78\x9c\x01\x02\x03"), Text(100'000)}) {
    grpc::ByteBuffer out;
    const auto inflated = Inflate(Buffer(plain), &out);
    REQUIRE(inflated.ok());
    CHECK_FALSE(*inflated);
  }
}

TEST_CASE("gzip that is damaged is malformed") {
  const std::string whole = Deflate(Text(10'000), kGzip);
  std::string other = whole;
  other[whole.size() / 2] = static_cast<char>(~other[whole.size() / 2]);
  for (const std::string& damaged : {whole.substr(0, 2), whole.substr(0, whole.size() / 2),
                                     whole.substr(0, whole.size() - 1), whole + "x", other}) {
    for (const size_t slice : {size_t{1}, size_t{7}, size_t{1} << 20}) {
      grpc::ByteBuffer out;
      CHECK(absl::IsInvalidArgument(Inflate(Buffer(damaged, slice), &out).status()));
    }
  }
}

// Of the program, taken from the stack of each of its threads.
size_t ThreadLocalBytes() {
  size_t bytes = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* program, size_t, void* result) {
        for (int i = 0; i < program->dlpi_phnum; ++i) {
          const auto& part = program->dlpi_phdr[i];
          if (part.p_type == PT_TLS) *static_cast<size_t*>(result) = part.p_memsz;
        }
        return 1;  // The program itself comes first.
      },
      &bytes);
  return bytes;
}

TEST_CASE("what threads have of their own leaves room on a small stack") {
  CHECK(ThreadLocalBytes() > 0);
  CHECK(ThreadLocalBytes() < 4096);
}

}  // namespace
}  // namespace alma::rpc
