#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <tuple>

#include "catch2/catch.hpp"
#include "common/text/checks.h"
#include "common/text/json.h"

namespace alma::text {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

std::string Result(const Struct& value) {
  Violations violations;
  CheckStruct(violations, "message.meta_data", value);
  return std::string(violations.ToStatus().message());
}

// {"a":{"b":[null,null,null,VALUE]}}
Struct Nested(const std::function<void(Value*)>& set) {
  Struct top;
  Struct* a = (*top.mutable_fields())["a"].mutable_struct_value();
  auto* b = (*a->mutable_fields())["b"].mutable_list_value();
  for (int i = 0; i < 3; ++i) b->add_values()->set_null_value(google::protobuf::NULL_VALUE);
  set(b->add_values());
  return top;
}

Struct NestedNumber(double number) {
  return Nested([number](Value* value) { value->set_number_value(number); });
}

Struct NestedText(const std::string& text) {
  return Nested([&text](Value* value) { value->set_string_value(text); });
}

// An object of that many levels, the top one included, of objects or of arrays below the top.
Struct Levels(int levels, bool arrays) {
  Struct top;
  Value* inner = &(*top.mutable_fields())["k"];
  for (int level = 2; level <= levels; ++level) {
    inner = arrays ? inner->mutable_list_value()->add_values()
                   : &(*inner->mutable_struct_value()->mutable_fields())["k"];
  }
  inner->set_bool_value(true);
  return top;
}

TEST_CASE("ordinary objects pass") {
  CHECK(Result(Struct()) == "");
  CHECK(Result(NestedText("")) == "");
  CHECK(Result(NestedText("日本語")) == "");
  for (const double number : {0.0, -0.0, 1.5, -3.0, 1e-300, 5e-324, 9007199254740992.0,
                              -9007199254740992.0, 4503599627370496.5}) {
    CHECK(Result(NestedNumber(number)) == "");
  }
}

TEST_CASE("what cannot be stored is refused with its path") {
  const std::string path = "message.meta_data.a.b[3]: ";
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double number : {std::nan(""), infinity, -infinity}) {
    CHECK(Result(NestedNumber(number)) == path + "must be a finite number");
  }
  for (const double number : {9007199254740994.0, -9007199254740994.0, 1e18, 1e300}) {
    CHECK(Result(NestedNumber(number)) ==
          path +
              "is an integer beyond 2^53, which a number cannot hold exactly: "
              "send it as a string");
  }
  CHECK(Result(Nested([](Value*) {})) == path + "must have a value");
  CHECK(Result(NestedText("\xED\xA0\x80")) == path + "must be valid UTF-8");
  CHECK(Result(NestedText(std::string("a\0", 2))) == path + "must not contain NUL");
}

TEST_CASE("a bad key is reported at its object in valid UTF-8") {
  for (const std::string& key : {std::string("\xFF"), std::string("a\0b", 3)}) {
    Struct top = Nested([&](Value* value) {
      (*value->mutable_struct_value()->mutable_fields())[key].set_bool_value(true);
    });
    CHECK(Result(top) ==
          "message.meta_data.a.b[3]: has a key that is not valid UTF-8 or contains NUL");
    Struct at_top;
    (*at_top.mutable_fields())[key].set_bool_value(true);
    CHECK(Result(at_top) == "message.meta_data: has a key that is not valid UTF-8 or contains NUL");
  }
}

TEST_CASE("sixteen levels pass and seventeen do not") {
  for (const bool arrays : {false, true}) {
    CHECK(Result(Levels(16, arrays)) == "");
    CHECK(Result(Levels(17, arrays)).find("is nested deeper than 16 levels") != std::string::npos);
    CHECK(Result(Levels(30, arrays)).find("is nested deeper than 16 levels") != std::string::npos);
  }
  CHECK(Result(Levels(17, true)) ==
        "message.meta_data.k[0][0][0][0][0][0][0][0][0][0][0][0][0][0]"
        "[0]: is nested deeper than 16 levels");
}

TEST_CASE("empty objects and arrays are levels too") {
  Struct top = Levels(16, false);
  Value* inner = &(*top.mutable_fields())["k"];
  while (inner->has_struct_value()) {
    inner = &(*inner->mutable_struct_value()->mutable_fields())["k"];
  }
  inner->mutable_list_value();
  CHECK(Result(top).find("is nested deeper than 16 levels") != std::string::npos);
}

TEST_CASE("an object may take 65536 bytes as JSON") {
  Struct top;
  Value& value = (*top.mutable_fields())["k"];
  const std::size_t around = std::string(R"({"k":""})").size();
  value.set_string_value(std::string(65'536 - around, 'a'));
  REQUIRE(StructToJson(top)->size() == 65'536);
  CHECK(Result(top) == "");
  value.mutable_string_value()->push_back('a');
  CHECK(Result(top) == "message.meta_data: must take at most 64 KiB as JSON");
}

TEST_CASE("escapes count as they are written") {
  Struct top;
  Value& value = (*top.mutable_fields())["k"];
  value.set_string_value(std::string(10'921, '\x01'));
  REQUIRE(StructToJson(top)->size() == 65'534);
  CHECK(Result(top) == "");
  value.set_string_value(std::string(10'922, '\x01'));
  REQUIRE(StructToJson(top)->size() == 65'540);
  CHECK(Result(top) == "message.meta_data: must take at most 64 KiB as JSON");
}

TEST_CASE("small numbers count as PostgreSQL prints them") {
  for (const auto& [number, count, fits] :
       {std::tuple(1e-307, 100, true), std::tuple(1e-307, 300, false),
        std::tuple(0.5, 9000, true)}) {
    CAPTURE(number, count);
    Struct object;
    auto& list = *(*object.mutable_fields())["a"].mutable_list_value();
    for (int i = 0; i < count; ++i) list.add_values()->set_number_value(number);
    Violations violations;
    CheckStruct(violations, "meta_data", object);
    CHECK(violations.empty() == fits);
  }
}

TEST_CASE("a null of an unknown number is turned into null") {
  Struct object;
  (*object.mutable_fields())["a"].set_null_value(static_cast<google::protobuf::NullValue>(5));
  NormalizeStruct(&object);
  CHECK(object.fields().at("a").null_value() == google::protobuf::NULL_VALUE);
}

TEST_CASE("every wrong place of an object is reported once") {
  Struct top;
  for (int i = 0; i < 5; ++i) {
    (*top.mutable_fields())["k" + std::to_string(i)].set_number_value(std::nan(""));
  }
  (*top.mutable_fields())["fine"].set_number_value(1);
  CHECK(Result(top).ends_with("must be a finite number (and 4 more)"));
}

TEST_CASE("negative zero is turned into zero at every depth") {
  Struct top = NestedNumber(-0.0);
  (*top.mutable_fields())["top"].set_number_value(-0.0);
  (*top.mutable_fields())["other"].set_number_value(-1.5);
  NormalizeStruct(&top);
  const auto& list = top.fields().at("a").struct_value().fields().at("b").list_value();
  CHECK_FALSE(std::signbit(list.values(3).number_value()));
  CHECK_FALSE(std::signbit(top.fields().at("top").number_value()));
  CHECK(top.fields().at("other").number_value() == -1.5);
  CHECK(list.values(0).has_null_value());
}

}  // namespace
}  // namespace alma::text
