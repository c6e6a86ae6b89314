#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "common/db/page.h"
#include "common/db/revision.h"
#include "common/db/session.h"
#include "common/id/uuid.h"
#include "common/status/macros.h"
#include "common/tenant/idempotency.h"
#include "common/tenant/table.h"
#include "common/text/timestamp.h"

namespace alma::tenant {

// Creates rows of one organization in one table, in one transaction, each as if it came after those
// before it. What it costs beside the rows themselves does not grow with their number: one
// statement for the revisions, one or two to look for repeats, what the table's `admit` does, one
// to insert. For one transaction.
template <typename Resource>
class CreateBatch {
 public:
  using Results = std::vector<absl::StatusOr<Resource>>;

  CreateBatch(db::Session& session, const Table<Resource>& table, const std::string& organization)
      : session_(session), table_(table), organization_(organization) {}

  // The rows as they are stored now, or why one is not: what Repeated or `admit` says. A repeat may
  // be much smaller than its row: where the rows of repeats come to `max_repeated_bytes`, which is
  // not 0, this ends; the items behind are not stored and have no result. Fails as a whole only
  // where the database or `on_create` does. Once.
  absl::StatusOr<Results> Run(absl::Span<const Resource* const> wanted, size_t max_repeated_bytes);

  // Whether any row is new.
  bool stored_any() const { return stored_any_; }

 private:
  // Places in candidates_, by what names the row.
  using Made = std::map<std::string, size_t>;

  // The rows that items name; items of the same names share a place.
  struct Found {
    std::vector<NamedRows<Resource>> rows;
    // Of each item.
    std::vector<size_t> places;
  };

  absl::StatusOr<Found> LookUp(absl::Span<const Resource* const> some);
  // The next item.
  absl::Status Decide(const Resource& wanted, NamedRows<Resource> named);
  absl::Status Settle();
  absl::Status Insert();
  Resource NewRow(const Resource& wanted) const;
  // The row that an earlier item made under this name, if any.
  std::optional<Resource> FindMade(const Made& made, const std::string& name) const;
  bool IsUnsettled(const Made& made, const std::string& name) const;
  static std::string ExternalName(const Resource& wanted);

  db::Session& session_;
  const Table<Resource>& table_;
  const std::string& organization_;
  google::protobuf::Timestamp now_;
  int64_t first_revision_ = 0;
  int64_t revisions_used_ = 0;
  // Of the items that have been decided.
  Results results_;
  size_t repeated_bytes_ = 0;
  // The new rows, and the item of each. Those from settled_ on have not been admitted yet.
  std::vector<Candidate<Resource>> candidates_;
  std::vector<size_t> items_;
  size_t settled_ = 0;
  Made made_by_key_;
  Made made_by_external_id_;
  bool stored_any_ = false;
};

// Items whose repeats are looked for at a time: bounds what is held of rows that differ.
inline constexpr size_t kLookUpItems = 128;

template <typename Resource>
auto CreateBatch<Resource>::Run(absl::Span<const Resource* const> wanted, size_t max_repeated_bytes)
    -> absl::StatusOr<Results> {
  if (wanted.empty()) return Results();
  const auto count = static_cast<int64_t>(wanted.size());
  RETURN_IF_ERROR(db::TakeRevisionsLater(session_, organization_, count, &first_revision_));
  results_.reserve(wanted.size());
  candidates_.reserve(wanted.size());
  items_.reserve(wanted.size());
  const size_t at_a_time = db::RowsAtATime(max_repeated_bytes, kLookUpItems);
  while (results_.size() < wanted.size() && repeated_bytes_ < max_repeated_bytes) {
    const auto some = wanted.subspan(results_.size(), at_a_time);
    ASSIGN_OR_RETURN(const Found found, LookUp(some));
    // Where there was nothing to look for.
    RETURN_IF_ERROR(session_.Flush());
    if (results_.empty()) now_ = text::Now();
    for (size_t i = 0; i < some.size() && repeated_bytes_ < max_repeated_bytes; ++i) {
      RETURN_IF_ERROR(Decide(*some[i], found.rows[found.places[i]]));
    }
  }
  RETURN_IF_ERROR(Settle());
  RETURN_IF_ERROR(Insert());
  if (revisions_used_ != count) {
    RETURN_IF_ERROR(db::ReturnRevisionsLater(session_, organization_, count - revisions_used_));
  }
  return std::move(results_);
}

template <typename Resource>
auto CreateBatch<Resource>::LookUp(absl::Span<const Resource* const> some)
    -> absl::StatusOr<Found> {
  Found found;
  std::vector<const Resource*> distinct;
  std::map<std::pair<std::string_view, std::string>, size_t> places;
  for (const Resource* const wanted : some) {
    const auto [place, is_new] =
        places.try_emplace({Key(*wanted), ExternalName(*wanted)}, distinct.size());
    if (is_new) distinct.push_back(wanted);
    found.places.push_back(place->second);
  }
  ASSIGN_OR_RETURN(found.rows, table_.FindNamed(session_, organization_, distinct));
  return found;
}

template <typename Resource>
absl::Status CreateBatch<Resource>::Decide(const Resource& wanted, NamedRows<Resource> named) {
  const size_t item = results_.size();
  results_.emplace_back(absl::UnknownError("not decided"));
  const std::string& key = Key(wanted);
  const std::string external = ExternalName(wanted);
  if (IsUnsettled(made_by_key_, key) || IsUnsettled(made_by_external_id_, external)) {
    RETURN_IF_ERROR(Settle());
  }
  if (auto made = FindMade(made_by_key_, key)) named.by_key = std::move(made);
  if (auto made = FindMade(made_by_external_id_, external)) named.by_external_id = std::move(made);
  auto repeated =
      Repeated(wanted, table_.resource(), std::move(named.by_key), std::move(named.by_external_id));
  if (!repeated.ok()) {
    results_[item] = repeated.status();
  } else if (repeated->has_value()) {
    repeated_bytes_ += (*repeated)->ByteSizeLong();
    results_[item] = **std::move(repeated);
  } else {
    if (!key.empty()) made_by_key_[key] = candidates_.size();
    if (!external.empty()) made_by_external_id_[external] = candidates_.size();
    candidates_.push_back({NewRow(wanted), absl::OkStatus()});
    items_.push_back(item);
  }
  return absl::OkStatus();
}

template <typename Resource>
Resource CreateBatch<Resource>::NewRow(const Resource& wanted) const {
  Resource row = wanted;
  if (Key(row).empty()) *MutableKey(row) = id::NewUuid();
  row.set_alma_internal_organization(organization_);
  if constexpr (HasCreatedAt<Resource>) {
    if (!row.has_created_at()) *row.mutable_created_at() = now_;
  }
  return row;
}

template <typename Resource>
absl::Status CreateBatch<Resource>::Settle() {
  const auto unsettled = absl::MakeSpan(candidates_).subspan(settled_);
  if (unsettled.empty()) return absl::OkStatus();
  if (const auto admit = table_.definition().admit) {
    RETURN_IF_ERROR(admit(session_, organization_, unsettled));
  }
  std::vector<Resource*> admitted;
  admitted.reserve(unsettled.size());
  for (Candidate<Resource>& candidate : unsettled) {
    const size_t item = items_[settled_++];
    if (!candidate.refusal.ok()) {
      results_[item] = candidate.refusal;
      continue;
    }
    Touch(candidate.row, first_revision_ + revisions_used_++, now_);
    admitted.push_back(&candidate.row);
  }
  const auto on_create = table_.definition().on_create;
  return on_create == nullptr ? absl::OkStatus() : on_create(session_, admitted);
}

template <typename Resource>
absl::Status CreateBatch<Resource>::Insert() {
  std::vector<const Resource*> rows;
  rows.reserve(candidates_.size());
  for (const Candidate<Resource>& candidate : candidates_) {
    if (candidate.refusal.ok()) rows.push_back(&candidate.row);
  }
  stored_any_ = !rows.empty();
  RETURN_IF_ERROR(table_.Insert(session_, rows));
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].refusal.ok()) results_[items_[i]] = std::move(candidates_[i].row);
  }
  return absl::OkStatus();
}

template <typename Resource>
bool CreateBatch<Resource>::IsUnsettled(const Made& made, const std::string& name) const {
  const auto found = made.find(name);
  return found != made.end() && found->second >= settled_;
}

template <typename Resource>
std::optional<Resource> CreateBatch<Resource>::FindMade(const Made& made,
                                                        const std::string& name) const {
  const auto found = made.find(name);
  if (found == made.end() || !candidates_[found->second].refusal.ok()) return std::nullopt;
  return candidates_[found->second].row;
}

template <typename Resource>
std::string CreateBatch<Resource>::ExternalName(const Resource& wanted) {
  if constexpr (HasExternalId<Resource>) {
    if (!wanted.external_id().empty()) {
      return absl::StrCat(wanted.origin().size(), ":", wanted.origin(), wanted.external_id());
    }
  }
  return {};
}

}  // namespace alma::tenant
