#include <string>

#include "catch2/catch.hpp"
#include "common/text/json.h"

namespace alma::text {
namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

Texts Of(std::initializer_list<std::string> items) { return Texts(items.begin(), items.end()); }

bool Same(const Texts& a, const Texts& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST_CASE("a list of strings is written as a JSON array in its order") {
  CHECK(TextsToJson(Texts()) == "[]");
  CHECK(TextsToJson(Of({"b", "a"})) == R"(["b","a"])");
  CHECK(TextsToJson(Of({"a\"\\", "é"})) == R"(["a\"\\","é"])");
}

TEST_CASE("a list of strings is read back equal") {
  for (const Texts& texts :
       {Texts(), Of({""}), Of({"b", "a", "b"}), Of({"\x01\x1f\"\\/\t", "é€𝄞", "[", "],"})}) {
    const auto read = TextsFromJson(TextsToJson(texts));
    REQUIRE(read.ok());
    CHECK(Same(*read, texts));
  }
}

TEST_CASE("a list of strings is read as PostgreSQL prints it") {
  const auto read = TextsFromJson(R"( [ "a", "b" ] )");
  REQUIRE(read.ok());
  CHECK(Same(*read, Of({"a", "b"})));
}

TEST_CASE("what is no JSON array of strings is refused") {
  for (const char* json : {"", "[", "]", "[\"a\"", "[\"a\",]", "[,]", "[1]", "[null]", "[[]]", "{}",
                           "\"a\"", "[] x", "[\"a\" \"b\"]", "[\"\xff\"]", "null"}) {
    INFO(json);
    CHECK(TextsFromJson(json).status().code() == absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace alma::text
