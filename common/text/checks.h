#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/text/violations.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"

// The rules that every request shares. Each check adds to `violations` at most once per place that
// is wrong; `field` is the path that the client is shown, such as "message.content". Every string
// must be valid UTF-8 without NUL: protobuf setters accept anything, PostgreSQL does not.
namespace alma::text {

inline constexpr std::size_t kMaxNameCodePoints = 256;
inline constexpr std::size_t kMaxWordCodePoints = 64;
inline constexpr std::size_t kMaxContentBytes = 256 * 1024;
inline constexpr std::size_t kMaxStructBytes = 64 * 1024;
inline constexpr int kMaxStructLevels = 16;
inline constexpr std::int32_t kDefaultPageSize = 50;
inline constexpr std::int32_t kMaxPageSize = 1000;

// kOptional accepts the empty string; otherwise both ask for the same.
enum class Presence { kRequired, kOptional };

// Names, external ids, origins, addresses: not blank, at most 256 code points.
void CheckName(Violations& violations, std::string_view field, std::string_view value,
               Presence presence = Presence::kRequired);

// Types, channels and other words: not blank, at most 64 code points.
void CheckWord(Violations& violations, std::string_view field, std::string_view value,
               Presence presence = Presence::kRequired);

// Message content and other long text: not empty (blank is content), at most 256 KiB.
void CheckContent(Violations& violations, std::string_view field, std::string_view value,
                  Presence presence = Presence::kRequired);

// A uuid of any version in its 8-4-4-4-12 form, upper or lower case; made lower-case in place. The
// nil uuid is refused.
void CheckUuid(Violations& violations, std::string_view field, std::string* value,
               Presence presence = Presence::kRequired);

// A free JSON object: at most 64 KiB as JSON (numbers counted without exponents, as PostgreSQL
// prints them), at most 16 levels, no NaN, no infinity, no Value without a kind, no integral number
// beyond +-2^53. Objects and arrays count as levels alike, and `value` itself is level 1: {"a":[1]}
// has two. Paths read "message.meta_data.a.b[3]"; a bad key is reported at the object that holds
// it. Whether nothing is wrong.
bool CheckStruct(Violations& violations, std::string_view field,
                 const google::protobuf::Struct& value);

// Turns every -0.0 into 0.0, so that what a create returns equals what a later read returns (jsonb
// has no negative zero). Call after CheckStruct, which bounds the depth.
void NormalizeStruct(google::protobuf::Struct* value);

// 0001-01-01T00:00:00Z up to 9999-12-31T23:59:59.999999999Z, nanos within 0..999999999.
void CheckTimestamp(Violations& violations, std::string_view field,
                    const google::protobuf::Timestamp& value);

// The page size to use: 50 for 0, at most 1000. A negative one is a violation of "page_size".
std::int32_t CheckPageSize(Violations& violations, std::int32_t page_size);

}  // namespace alma::text
