#include "tests/fuzz/message_mutator.h"

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/strings/match.h"

extern "C" size_t LLVMFuzzerMutate(std::uint8_t* data, size_t size, size_t max_size);

namespace alma::fuzz {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxDepth = 24;
constexpr size_t kMaxText = 4096;

constexpr std::array<std::string_view, 6> kUuids = {
    "0190f5fe-1111-7000-8000-000000000001", "0190f5fe-1111-7000-8000-000000000002",
    "0190F5FE-1111-7000-8000-000000000003", "0190f5fe-0000-7000-8000-0000000000aa",
    "00000000-0000-0000-0000-000000000000", "0190f5fe-1111-7000-8000-00000000000",
};
constexpr std::array<std::string_view, 12> kTexts = {
    "",       "a",        "*",           "whatsapp",  "text", "ana@example.com", "+34600000000",
    "ACTIVE", "\xc3\xb1", "agents.read", "SALE_MADE", "%_",
};
constexpr std::array<int64_t, 14> kNumbers = {
    0,
    1,
    -1,
    2,
    50,
    1000,
    1001,
    999'999'999,
    1'000'000'000,
    1'790'000'000,
    int64_t{1} << 53,
    253'402'300'799,
    std::numeric_limits<int64_t>::max(),
    std::numeric_limits<int64_t>::min(),
};
constexpr std::array<double, 9> kDoubles = {
    0.0,
    -0.0,
    1.5,
    -1e308,
    5e-324,
    9007199254740992.0,
    9007199254740993.0,
    std::numeric_limits<double>::infinity(),
    std::numeric_limits<double>::quiet_NaN(),
};

int Below(Random& random, int bound) {
  return std::uniform_int_distribution<int>(0, bound - 1)(random);
}

template <typename Values>
auto OneOf(const Values& values, Random& random) {
  return values[Below(random, static_cast<int>(values.size()))];
}

std::string Mutated(std::string text) {
  const size_t size = text.size();
  text.resize(std::max(kMaxText, size * 2));
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
  return text;
}

// The name of a field that could stand in an update mask somewhere: of `type`, or of a resource in
// its request.
std::string FieldName(const FieldDescriptor& field, Random& random) {
  const Descriptor& file_type =
      *field.file()->message_type(Below(random, field.file()->message_type_count()));
  if (file_type.field_count() == 0) return "*";
  return file_type.field(Below(random, file_type.field_count()))->name();
}

std::string NewText(const FieldDescriptor& field, const Descriptor& root, const std::string& old,
                    Random& random) {
  if (Below(random, 4) == 0) return Mutated(old);
  if (field.name() == "page_token") return "next";
  if (field.name() == "paths") return FieldName(*root.field(0), random);
  const bool uuid = absl::StrContains(field.name(), "uuid") || field.name() == "agents";
  if (uuid && Below(random, 8) != 0) return std::string(OneOf(kUuids, random));
  return std::string(OneOf(kTexts, random));
}

// One scalar field, set or one item added.
class Setter {
 public:
  Setter(Message* message, const FieldDescriptor& field, const Descriptor& root, Random& random)
      : message_(message),
        field_(field),
        root_(root),
        random_(random),
        reflection_(*message->GetReflection()) {}

  void Set() {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return Put(NewText(field_, root_, OldText(), random_), &Reflection::SetString,
                   &Reflection::AddString);
      case FieldDescriptor::CPPTYPE_BOOL:
        return Put(Below(random_, 2) == 1, &Reflection::SetBool, &Reflection::AddBool);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Put(OneOf(kDoubles, random_), &Reflection::SetDouble, &Reflection::AddDouble);
      case FieldDescriptor::CPPTYPE_FLOAT:
        return Put(static_cast<float>(Below(random_, 1000)), &Reflection::SetFloat,
                   &Reflection::AddFloat);
      case FieldDescriptor::CPPTYPE_ENUM:
        return Put(Below(random_, field_.enum_type()->value_count() + 1), &Reflection::SetEnumValue,
                   &Reflection::AddEnumValue);
      default:
        return SetNumber();
    }
  }

 private:
  template <typename Value, typename Set, typename Add>
  void Put(const Value& value, Set set, Add add) {
    if (field_.is_repeated()) {
      (reflection_.*add)(message_, &field_, value);
    } else {
      (reflection_.*set)(message_, &field_, value);
    }
  }

  void SetNumber() {
    const int64_t number = OneOf(kNumbers, random_);
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return Put(static_cast<int32_t>(number), &Reflection::SetInt32, &Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_UINT32:
        return Put(static_cast<uint32_t>(number), &Reflection::SetUInt32, &Reflection::AddUInt32);
      case FieldDescriptor::CPPTYPE_UINT64:
        return Put(static_cast<uint64_t>(number), &Reflection::SetUInt64, &Reflection::AddUInt64);
      default:
        return Put(number, &Reflection::SetInt64, &Reflection::AddInt64);
    }
  }

  std::string OldText() const {
    return field_.is_repeated() ? "" : reflection_.GetString(*message_, &field_);
  }

  Message* const message_;
  const FieldDescriptor& field_;
  const Descriptor& root_;
  Random& random_;
  const Reflection& reflection_;
};

void MutateAt(Message* message, const Descriptor& root, int depth, Random& random);

void MutateRepeated(Message* message, const FieldDescriptor& field, const Descriptor& root,
                    int depth, Random& random) {
  const Reflection& reflection = *message->GetReflection();
  const int size = reflection.FieldSize(*message, &field);
  if (size > 0 && Below(random, 6) == 0) return reflection.RemoveLast(message, &field);
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return Setter(message, field, root, random).Set();
  }
  Message* item = size > 0 && Below(random, 3) != 0
                      ? reflection.MutableRepeatedMessage(message, &field, Below(random, size))
                      : reflection.AddMessage(message, &field);
  MutateAt(item, root, depth + 1, random);
}

void MutateAt(Message* message, const Descriptor& root, int depth, Random& random) {
  const Descriptor& type = *message->GetDescriptor();
  if (type.field_count() == 0 || depth > kMaxDepth) return;
  const FieldDescriptor& field = *type.field(Below(random, type.field_count()));
  if (field.is_repeated()) return MutateRepeated(message, field, root, depth, random);
  const Reflection& reflection = *message->GetReflection();
  const bool has = reflection.HasField(*message, &field);
  if (has && Below(random, 12) == 0) return reflection.ClearField(message, &field);
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return Setter(message, field, root, random).Set();
  }
  MutateAt(reflection.MutableMessage(message, &field), root, depth + 1, random);
}

}  // namespace

void Mutate(Message* message, Random& random) {
  MutateAt(message, *message->GetDescriptor(), 0, random);
}

}  // namespace alma::fuzz
