#include "common/text/json.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "catch2/catch.hpp"
#include "google/protobuf/util/json_util.h"

namespace alma::text {
namespace {

using google::protobuf::Struct;

Struct Parsed(const std::string& json) {
  INFO(json);
  const absl::StatusOr<Struct> object = StructFromJson(json);
  REQUIRE(object.ok());
  return *object;
}

Struct Number(double number) {
  Struct object;
  (*object.mutable_fields())["n"].set_number_value(number);
  return object;
}

double ParsedNumber(const std::string& digits) {
  return Parsed("{\"n\":" + digits + "}").fields().at("n").number_value();
}

TEST_CASE("JSON is compact with keys in byte order") {
  for (const std::string json :
       {"{}", R"({"":0})", R"({"a":{},"b":[]})", R"({"A":1,"a":2,"b":3,"é":4})",
        R"({"a":[1,"x",true,false,null,{"c":[[]]}],"b":{"d":1.5}})"}) {
    CHECK(StructToJson(Parsed(json)).value() == json);
  }
  CHECK(StructToJson(Parsed(R"( { "b" : 1 , "a" : [ 1 , 2 ] } )")).value() ==
        R"({"a":[1,2],"b":1})");
}

TEST_CASE("integral numbers are written as integers and others in their shortest form") {
  const struct {
    double number;
    std::string text;
  } cases[] = {
      {3, "3"},
      {-3, "-3"},
      {0, "0"},
      {-0.0, "0"},
      {1e15, "1000000000000000"},
      {9007199254740991.0, "9007199254740991"},
      {-9007199254740992.0, "-9007199254740992"},
      {0.1, "0.1"},
      {-2.5, "-2.5"},
      {1e300, "1e+300"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
  };
  for (const auto& expected : cases) {
    CHECK(StructToJson(Number(expected.number)).value() == "{\"n\":" + expected.text + "}");
  }
}

TEST_CASE("doubles survive writing and reading") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = random();
    double number;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) continue;
    const Struct read = Parsed(StructToJson(Number(number)).value());
    REQUIRE(read.fields().at("n").number_value() == number);
  }
}

TEST_CASE("what JSON cannot say is an error") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double number : {std::nan(""), infinity, -infinity}) {
    CHECK(absl::IsInvalidArgument(StructToJson(Number(number)).status()));
  }
  Struct unset;
  (*unset.mutable_fields())["a"].mutable_list_value()->add_values();
  CHECK(absl::IsInvalidArgument(StructToJson(unset).status()));
}

TEST_CASE("every character survives writing and reading in keys and values") {
  for (char32_t c = 0; c <= 0x10FFFF; c = c < 0x3000 ? c + 1 : c + 0x101) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    char escaped[16];
    std::snprintf(escaped, sizeof escaped, c < 0x10000 ? "\\u%04X" : "\\u%04x\\u%04x",
                  static_cast<unsigned>(c < 0x10000 ? c : 0xD800 + ((c - 0x10000) >> 10)),
                  static_cast<unsigned>(0xDC00 + ((c - 0x10000) & 0x3FF)));
    const std::string json = "{\"" + std::string(escaped) + "\":\"" + escaped + "\"}";
    const Struct read = Parsed(json);
    REQUIRE(read.fields_size() == 1);
    const auto& [key, value] = *read.fields().begin();
    REQUIRE(key == value.string_value());
    REQUIRE(StructEquals(Parsed(StructToJson(read).value()), read));
    Struct oracle;
    REQUIRE(google::protobuf::util::JsonStringToMessage(json, &oracle).ok());
    REQUIRE(StructEquals(read, oracle));
  }
}

TEST_CASE("escapes are read as they are meant") {
  CHECK(Parsed(R"({"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"})").fields().at("a").string_value() ==
        "\"\\/\b\f\n\r\té😀");
  CHECK(StructToJson(Parsed(R"({"a":"\"\\/é😀"})")).value() == R"({"a":"\"\\/é😀"})");
}

TEST_CASE("numbers are read as PostgreSQL prints them") {
  CHECK(ParsedNumber("1" + std::string(300, '0')) == 1e300);
  CHECK(ParsedNumber("-1" + std::string(300, '0')) == -1e300);
  CHECK(ParsedNumber("0." + std::string(299, '0') + "1") == 1e-300);
  CHECK(ParsedNumber("9007199254740992") == 9007199254740992.0);
  CHECK(ParsedNumber("18446744073709551616") == 18446744073709551616.0);
  CHECK(ParsedNumber("1.50") == 1.5);
  CHECK(ParsedNumber("3.0") == 3);
  CHECK(ParsedNumber("-0") == 0);
  CHECK(ParsedNumber("1E+2") == 100);
  CHECK(ParsedNumber("1e-2") == 0.01);
}

TEST_CASE("protobuf reads what is written") {
  const std::string json = R"({"a":[1,2.5,-3,1e+300,"\u0001\"\\",true,null,{"é":{}}],"b":""})";
  Struct oracle;
  REQUIRE(google::protobuf::util::JsonStringToMessage(StructToJson(Parsed(json)).value(), &oracle)
              .ok());
  CHECK(StructEquals(oracle, Parsed(json)));
}

TEST_CASE("the last of duplicate keys counts") {
  CHECK(StructEquals(Parsed(R"({"a":{"x":1},"a":[1],"a":{"y":2}})"), Parsed(R"({"a":{"y":2}})")));
}

TEST_CASE("what is no JSON object is an error") {
  for (const std::string json : {"",
                                 " ",
                                 "{",
                                 "}",
                                 "[]",
                                 "null",
                                 "1",
                                 "\"a\"",
                                 "{}{}",
                                 "{} x",
                                 "{,}",
                                 R"({"a"})",
                                 R"({"a":})",
                                 R"({"a":1,})",
                                 R"({"a":1 "b":2})",
                                 R"({a:1})",
                                 R"({'a':1})",
                                 R"({"a:1})",
                                 R"({"a":[1,]})",
                                 R"({"a":[1 2]})",
                                 R"({"a":[1)",
                                 R"({"a":"x)",
                                 R"({"a":"x\"})",
                                 R"({"a":"\x"})",
                                 R"({"a":"\u12"})",
                                 R"({"a":"\u12G4"})",
                                 R"({"a":"\u-123"})",
                                 R"({"a":"\ud800"})",
                                 R"({"a":"\ud800x"})",
                                 R"({"a":"\ud800\u0041"})",
                                 R"({"a":"\udc00"})",
                                 "{\"a\":\"\n\"}",
                                 "{\"a\":\"\xFF\"}",
                                 R"({"a":01})",
                                 R"({"a":-})",
                                 R"({"a":+1})",
                                 R"({"a":.5})",
                                 R"({"a":1.})",
                                 R"({"a":1e})",
                                 R"({"a":1e+})",
                                 R"({"a":0x10})",
                                 R"({"a":NaN})",
                                 R"({"a":Infinity})",
                                 R"({"a":tru})",
                                 R"({"a":nul})",
                                 R"({"a":1e400})",
                                 R"({"a":-1e400})"}) {
    INFO(json);
    CHECK(absl::IsInvalidArgument(StructFromJson(json).status()));
  }
}

TEST_CASE("nesting ends at 32 levels") {
  const auto nested = [](int levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  CHECK(StructFromJson(nested(32)).ok());
  CHECK(absl::IsInvalidArgument(StructFromJson(nested(33)).status()));
  CHECK(absl::IsInvalidArgument(StructFromJson(nested(1'000'000)).status()));
}

TEST_CASE("every prefix of a document is refused") {
  const std::string json = R"({"a":[1,2.5e3,"x\u00e9\n",true,null,{"b":{}}],"c":-1})";
  REQUIRE(StructFromJson(json).ok());
  for (std::size_t size = 0; size < json.size(); ++size) {
    CHECK_FALSE(StructFromJson(json.substr(0, size)).ok());
  }
}

TEST_CASE("objects are equal by value") {
  const struct {
    std::string a;
    std::string b;
    bool equal;
  } cases[] = {
      {"{}", "{}", true},
      {R"({"a":1,"b":[{"c":null}]})", R"({"b":[{"c":null}],"a":1.0})", true},
      {R"({"a":0})", R"({"a":-0.0})", true},
      {R"({"a":1})", R"({"a":2})", false},
      {R"({"a":1})", R"({"b":1})", false},
      {R"({"a":1})", R"({"a":1,"b":1})", false},
      {R"({"a":1})", R"({"a":"1"})", false},
      {R"({"a":null})", R"({"a":false})", false},
      {R"({"a":true})", R"({"a":false})", false},
      {R"({"a":"x"})", R"({"a":"y"})", false},
      {R"({"a":[1,2]})", R"({"a":[2,1]})", false},
      {R"({"a":[1,2]})", R"({"a":[1]})", false},
      {R"({"a":{}})", R"({"a":[]})", false},
  };
  for (const auto& expected : cases) {
    INFO(expected.a + " " + expected.b);
    CHECK(StructEquals(Parsed(expected.a), Parsed(expected.b)) == expected.equal);
    CHECK(StructEquals(Parsed(expected.b), Parsed(expected.a)) == expected.equal);
  }
}

}  // namespace
}  // namespace alma::text
