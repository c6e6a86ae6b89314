#include "common/db/many_rows.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace alma::db {
namespace {

// Rows of a statement. Few sizes, since each session prepares each; PostgreSQL takes hardly less
// for a row of 64 than for one of 16.
constexpr size_t kSizes[] = {1, 4, ManyRows::kMost};

}  // namespace

ManyRows::ManyRows(const Names& names, const Text& text) : names_{names} {
  for (size_t row = 1; row < kMost; ++row) {
    Names& of_row = names_.emplace_back();
    of_row.reserve(names.size());
    for (const std::string& name : names) of_row.push_back(absl::StrCat(name, "_", row));
  }
  for (const size_t size : kSizes) sqls_.push_back(text(absl::MakeSpan(names_).first(size)));
}

auto ManyRows::Exactly(const Session& session, size_t count) const -> std::vector<Group> {
  std::vector<Group> groups;
  size_t size = session.IsRemote() ? std::size(kSizes) : 1;
  for (size_t begin = 0; begin < count; begin += groups.back().rows) {
    while (size > 1 && kSizes[size - 1] > count - begin) --size;
    groups.push_back({sqls_[size - 1], begin, kSizes[size - 1], count});
  }
  return groups;
}

auto ManyRows::AtLeast(const Session& session, size_t count, size_t most) const
    -> std::vector<Group> {
  if (!session.IsRemote()) return Exactly(session, count);
  const auto* const largest =
      std::prev(std::upper_bound(std::begin(kSizes), std::end(kSizes), most));
  std::vector<Group> groups;
  for (size_t begin = 0; begin < count; begin += groups.back().rows) {
    const auto* const size = std::lower_bound(std::begin(kSizes), largest, count - begin);
    groups.push_back({sqls_[size - std::begin(kSizes)], begin, *size, count});
  }
  return groups;
}

std::string ParamOfRows(absl::Span<const ManyRows::Names> rows, size_t place) {
  return absl::StrJoin(rows, ", ", [&](std::string* out, const ManyRows::Names& names) {
    absl::StrAppend(out, ":", names[place]);
  });
}

}  // namespace alma::db
