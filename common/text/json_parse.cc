#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/text/json.h"
#include "common/text/utf8.h"

// By hand, because protobuf's JSON reader takes 20 us for an object of five keys, and a page of
// messages holds a thousand such objects.
namespace alma::text {
namespace {

using google::protobuf::ListValue;
using google::protobuf::RepeatedPtrField;
using google::protobuf::Struct;
using google::protobuf::Value;

// Deeper objects could not be read by the client: protobuf parses about this many levels of Struct.
constexpr int kMaxLevels = 32;

void AppendUtf8(char32_t c, std::string* text) {
  const auto append = [text](char32_t byte) { *text += static_cast<char>(byte); };
  if (c < 0x80) return append(c);
  if (c < 0x800) {
    append(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      append(0xE0 | c >> 12);
    } else {
      append(0xF0 | c >> 18);
      append(0x80 | (c >> 12 & 0x3F));
    }
    append(0x80 | (c >> 6 & 0x3F));
  }
  append(0x80 | (c & 0x3F));
}

// Recursive descent over RFC 8259. Every function reads one element at the front of `rest_` and
// returns whether it was there.
class JsonParser {
 public:
  explicit JsonParser(std::string_view json) : rest_(json) {}

  bool ParseDocument(Struct* object) {
    SkipSpace();
    return ParseObject(object, 1) && rest_.empty();
  }

  bool ParseTexts(RepeatedPtrField<std::string>* texts) {
    SkipSpace();
    if (!Take('[')) return false;
    if (Take(']')) return rest_.empty();
    do {
      if (!ParseString(texts->Add())) return false;
    } while (Take(','));
    return Take(']') && rest_.empty();
  }

 private:
  bool ParseObject(Struct* object, int level) {
    if (level > kMaxLevels || !Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string key;
      if (!ParseString(&key) || !Take(':')) return false;
      Value& value = (*object->mutable_fields())[std::move(key)];
      if (!ParseValue(&value, level)) return false;
    } while (Take(','));
    return Take('}');
  }

  bool ParseArray(ListValue* array, int level) {
    if (level > kMaxLevels || !Take('[')) return false;
    if (Take(']')) return true;
    do {
      if (!ParseValue(array->add_values(), level)) return false;
    } while (Take(','));
    return Take(']');
  }

  bool ParseValue(Value* value, int level) {
    // A value that repeats a key replaces the earlier one.
    value->Clear();
    switch (rest_.empty() ? '\0' : rest_.front()) {
      case '{':
        return ParseObject(value->mutable_struct_value(), level + 1);
      case '[':
        return ParseArray(value->mutable_list_value(), level + 1);
      case '"':
        return ParseString(value->mutable_string_value());
      case 't':
        value->set_bool_value(true);
        return TakeWord("true");
      case 'f':
        value->set_bool_value(false);
        return TakeWord("false");
      case 'n':
        value->set_null_value(google::protobuf::NULL_VALUE);
        return TakeWord("null");
      default:
        return ParseNumber(value);
    }
  }

  bool ParseString(std::string* text) {
    if (!rest_.starts_with('"')) return false;
    rest_.remove_prefix(1);
    while (true) {
      std::size_t plain = 0;
      while (plain < rest_.size() && rest_[plain] != '"' && rest_[plain] != '\\' &&
             static_cast<unsigned char>(rest_[plain]) >= 0x20) {
        ++plain;
      }
      text->append(rest_.substr(0, plain));
      rest_.remove_prefix(plain);
      if (Take('"')) return true;
      if (!ParseEscape(text)) return false;
    }
  }

  bool ParseEscape(std::string* text) {
    if (rest_.size() < 2 || rest_.front() != '\\') return false;
    const char escape = rest_[1];
    rest_.remove_prefix(2);
    if (escape == 'u') return ParseUnicodeEscape(text);
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t index = kEscapes.find(escape);
    if (index == std::string_view::npos) return false;
    *text += kMeanings[index];
    return true;
  }

  // After "\u". A character beyond U+FFFF is written as two escapes, a surrogate pair.
  bool ParseUnicodeEscape(std::string* text) {
    std::uint32_t unit = 0;
    if (!ParseHex4(&unit) || (unit >= 0xDC00 && unit <= 0xDFFF)) return false;
    char32_t c = unit;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      std::uint32_t low = 0;
      if (!rest_.starts_with("\\u")) return false;
      rest_.remove_prefix(2);
      if (!ParseHex4(&low) || low < 0xDC00 || low > 0xDFFF) return false;
      c = 0x10000 + ((unit - 0xD800) << 10 | (low - 0xDC00));
    }
    AppendUtf8(c, text);
    return true;
  }

  bool ParseHex4(std::uint32_t* unit) {
    if (rest_.size() < 4) return false;
    const char* const end = rest_.data() + 4;
    if (std::from_chars(rest_.data(), end, *unit, 16).ptr != end) return false;
    rest_.remove_prefix(4);
    return true;
  }

  bool ParseNumber(Value* value) {
    std::size_t size = rest_.starts_with('-') ? 1 : 0;
    const std::size_t integer_digits = CountDigits(size);
    if (integer_digits == 0 || (integer_digits > 1 && rest_[size] == '0')) return false;
    size += integer_digits;
    if (size < rest_.size() && rest_[size] == '.') {
      const std::size_t digits = CountDigits(++size);
      if (digits == 0) return false;
      size += digits;
    }
    if (size < rest_.size() && (rest_[size] == 'e' || rest_[size] == 'E')) {
      ++size;
      if (size < rest_.size() && (rest_[size] == '+' || rest_[size] == '-')) ++size;
      const std::size_t digits = CountDigits(size);
      if (digits == 0) return false;
      size += digits;
    }
    double number = 0;
    if (std::from_chars(rest_.data(), rest_.data() + size, number).ec != std::errc()) return false;
    value->set_number_value(number);
    rest_.remove_prefix(size);
    SkipSpace();
    return true;
  }

  std::size_t CountDigits(std::size_t begin) const {
    std::size_t end = begin;
    while (end < rest_.size() && rest_[end] >= '0' && rest_[end] <= '9') ++end;
    return end - begin;
  }

  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    SkipSpace();
    return true;
  }

  bool TakeWord(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    SkipSpace();
    return true;
  }

  void SkipSpace() {
    const std::size_t start = rest_.find_first_not_of(" \t\n\r");
    rest_.remove_prefix(start == std::string_view::npos ? rest_.size() : start);
  }

  std::string_view rest_;
};

}  // namespace

absl::StatusOr<Struct> StructFromJson(std::string_view json) {
  Struct object;
  if (!CountCodePoints(json) || !JsonParser(json).ParseDocument(&object)) {
    return absl::InvalidArgumentError("not a JSON object");
  }
  return object;
}

absl::StatusOr<RepeatedPtrField<std::string>> TextsFromJson(std::string_view json) {
  RepeatedPtrField<std::string> texts;
  if (!CountCodePoints(json) || !JsonParser(json).ParseTexts(&texts)) {
    return absl::InvalidArgumentError("not a JSON array of strings");
  }
  return texts;
}

}  // namespace alma::text
