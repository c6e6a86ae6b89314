#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "common/db/many_rows.h"
#include "common/db/session.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/tenant/column.h"
#include "common/tenant/resource.h"

namespace alma::tenant {

// A row that may be inserted: complete but for what on_create adds, its revision and its
// updated_at. A status that is not OK keeps it out.
template <typename Resource>
struct Candidate {
  Resource row;
  absl::Status refusal;
};

// The rows that a resource names, if any.
template <typename Resource>
struct NamedRows {
  std::optional<Resource> by_key;
  std::optional<Resource> by_external_id;
};

// Which row of a table.
struct RowName {
  std::string_view organization;
  std::string_view key;

  friend bool operator<(const RowName& a, const RowName& b) {
    return std::tie(a.organization, a.key) < std::tie(b.organization, b.key);
  }
};

// A table of tenants' rows, said once: its statements and its rows' way to and from the resource
// follow from the columns. Its functions are for those that Database::Read and Database::Write run,
// and answer as Session::Query does. Immutable, thread-safe.
template <typename Resource>
class Table {
 public:
  struct Definition {
    // Of the table.
    std::string_view name;
    // What errors call a row, such as "message".
    std::string_view resource;
    // All but alma_internal_organization, the key, revision and deleted_at, which every table has
    // and which are read before these.
    std::vector<Column<Resource>> columns;
    // What more is done in the transaction of a write; any status but OK ends it with nothing
    // written. `resource` has its organization, key, times and new revision already.
    // Before new rows are inserted, in their order: fills in what depends on other rows, and
    // refuses candidates one by one. Here `resource` has no revision yet.
    absl::Status (*admit)(db::Session& session, const std::string& organization,
                          absl::Span<Candidate<Resource>> candidates) = nullptr;
    // Before rows that were admitted are inserted, in their order.
    absl::Status (*on_create)(db::Session& session, absl::Span<Resource* const> rows) = nullptr;
    // Before a changed row is written; `before` is the row as it was.
    absl::Status (*on_update)(db::Session& session, const Resource& before,
                              Resource& resource) = nullptr;
    // Before a tombstone is written: has to take out all that is personal.
    absl::Status (*on_delete)(db::Session& session, Resource& resource) = nullptr;
  };

  explicit Table(Definition definition);

  const Definition& definition() const { return definition_; }
  std::string_view name() const { return definition_.name; }
  std::string_view resource() const { return definition_.resource; }

  // The columns of a select, each with the table's name, in the order in which Read takes them.
  const std::string& columns() const { return selected_; }
  // `*resource` is empty before.
  void Read(db::Row& row, std::string_view organization, Resource* resource) const;

  // Deleted ones too.
  absl::StatusOr<std::optional<Resource>> Find(db::Session& session, std::string_view organization,
                                               std::string_view key) const;

  // Calls `on_found(i, row)` for each of `names` that there is, deleted ones too, as soon as it is
  // read. Keeps `most` rows at a time. As Session::QueryEach: some may have been found where this
  // fails. INTERNAL, too, where a row is not that of any name.
  absl::Status FindEach(db::Session& session, absl::Span<const RowName> names, size_t most,
                        absl::FunctionRef<void(size_t, Resource)> on_found) const;

  // The row of Find; NOT_FOUND where there is none.
  absl::StatusOr<Resource> Require(db::Session& session, std::string_view organization,
                                   std::string_view key) const;

  // The rows that each of `wanted` names, deleted ones too; looks nothing up that none names.
  absl::StatusOr<std::vector<NamedRows<Resource>>> FindNamed(
      db::Session& session, std::string_view organization,
      absl::Span<const Resource* const> wanted) const;

  // As few statements for many rows as the engine likes, and as Session::ExecuteLater.
  absl::Status Insert(db::Session& session, absl::Span<const Resource* const> rows) const;

  // Writes the columns that change, the revision and deleted_at. As Session::ExecuteLater.
  absl::Status Update(db::Session& session, const Resource& resource) const;

 private:
  const Definition definition_;
  std::string selected_;
  std::string find_by_external_id_;
  std::string update_;
  std::optional<db::ManyRows> find_by_key_;
  std::optional<db::ManyRows> insert_;
};

namespace internal {

template <typename Resource>
Column<Resource> KeyColumn() {
  return {KeyName<Resource>(),
          [](db::Row& row, Resource& resource) { *MutableKey(resource) = row.Text(); },
          [](std::string_view name, const Resource& resource) {
            return db::Param(name, Key(resource));
          }};
}

// The columns that every tenant's table has.
template <typename Resource>
std::vector<Column<Resource>> SharedColumns() {
  return {KeyColumn<Resource>(),
          Changing(Number<&Resource::revision, &Resource::set_revision>("revision")),
          Changing(OptionalTime<&Resource::has_deleted_at, &Resource::deleted_at,
                                &Resource::mutable_deleted_at>("deleted_at"))};
}

}  // namespace internal

template <typename Resource>
Table<Resource>::Table(Definition definition)
    : definition_([&] {
        auto& columns = definition.columns;
        const auto shared = internal::SharedColumns<Resource>();
        columns.insert(columns.begin(), shared.begin(), shared.end());
        return std::move(definition);
      }()) {
  const std::string table(definition_.name);
  std::vector<std::string> selected;
  std::vector<std::string> inserted = {"alma_internal_organization"};
  std::vector<std::string> updated;
  for (const Column<Resource>& column : definition_.columns) {
    const std::string name(column.name);
    if (column.read != nullptr) selected.push_back(absl::StrCat(table, ".", name));
    if (column.changes) updated.push_back(absl::StrCat(name, " = :", name));
    inserted.push_back(name);
  }
  const std::string of_organization =
      " where alma_internal_organization = :alma_internal_organization and ";
  const std::string key(KeyName<Resource>());
  selected_ = absl::StrJoin(selected, ", ");
  find_by_external_id_ = "select " + selected_ + " from " + table + of_organization +
                         "origin = :origin and external_id = :external_id";
  using Rows = absl::Span<const db::ManyRows::Names>;
  find_by_key_.emplace(db::ManyRows::Names{key}, [&](Rows rows) {
    return absl::StrCat("select ", selected_, " from ", table, of_organization, key, " in (",
                        db::ParamOfRows(rows, 0), ")");
  });
  insert_.emplace(inserted, [&](Rows rows) {
    const auto values = [](std::string* out, const db::ManyRows::Names& names) {
      absl::StrAppend(out, "(:", absl::StrJoin(names, ", :"), ")");
    };
    return absl::StrCat("insert into ", table, " (", absl::StrJoin(inserted, ", "), ") values ",
                        absl::StrJoin(rows, ", ", values));
  });
  update_ = "update " + table + " set " + absl::StrJoin(updated, ", ") + of_organization + key +
            " = :" + key;
}

template <typename Resource>
void Table<Resource>::Read(db::Row& row, std::string_view organization, Resource* resource) const {
  *resource->mutable_alma_internal_organization() = organization;
  for (const Column<Resource>& column : definition_.columns) {
    if (column.read != nullptr) column.read(row, *resource);
  }
}

template <typename Resource>
absl::StatusOr<std::optional<Resource>> Table<Resource>::Find(db::Session& session,
                                                              std::string_view organization,
                                                              std::string_view key) const {
  std::optional<Resource> found;
  RETURN_IF_ERROR(
      session
          .Query(find_by_key_->sql(),
                 {{"alma_internal_organization", organization}, {KeyName<Resource>(), key}},
                 [&](db::Row& row) { Read(row, organization, &found.emplace()); })
          .status());
  return found;
}

template <typename Resource>
absl::Status Table<Resource>::FindEach(db::Session& session, absl::Span<const RowName> names,
                                       size_t most,
                                       absl::FunctionRef<void(size_t, Resource)> on_found) const {
  std::multimap<RowName, size_t> by_name;
  for (size_t i = 0; i < names.size(); ++i) by_name.emplace(names[i], i);
  std::map<std::string_view, std::vector<std::string_view>> keys_of;
  for (auto name = by_name.begin(); name != by_name.end();
       name = by_name.upper_bound(name->first)) {
    keys_of[name->first.organization].push_back(name->first.key);
  }
  std::vector<std::string_view> sqls;
  std::vector<std::vector<db::Param>> runs;
  std::vector<std::string_view> organizations;
  for (const auto& [organization, keys] : keys_of) {
    for (const db::ManyRows::Group& group : find_by_key_->AtLeast(session, keys.size(), most)) {
      sqls.push_back(group.sql);
      organizations.push_back(organization);
      std::vector<db::Param>& params = runs.emplace_back();
      params.reserve(group.rows + 1);
      params.emplace_back("alma_internal_organization", organization);
      for (size_t i = 0; i < group.rows; ++i) {
        params.emplace_back(find_by_key_->names(i).front(), keys[group.At(i)]);
      }
    }
  }
  bool all_known = true;
  RETURN_IF_ERROR(session.QueryEach(sqls, runs, [&](size_t run, db::Row& row) {
    Resource found;
    Read(row, organizations[run], &found);
    if (row.failed()) return;
    const auto [first, last] = by_name.equal_range(RowName{organizations[run], Key(found)});
    if (first == last) {
      all_known = false;
      return;
    }
    const auto last_asker = std::prev(last);
    for (auto name = first; name != last_asker; ++name) on_found(name->second, found);
    on_found(last_asker->second, std::move(found));
  }));
  // Else a row that is there would pass for one that is not.
  return all_known ? absl::OkStatus() : status::Internal();
}

template <typename Resource>
absl::StatusOr<Resource> Table<Resource>::Require(db::Session& session,
                                                  std::string_view organization,
                                                  std::string_view key) const {
  ASSIGN_OR_RETURN(auto found, Find(session, organization, key));
  if (!found.has_value()) return status::NotFound(definition_.resource);
  return *std::move(found);
}

template <typename Resource>
auto Table<Resource>::FindNamed(db::Session& session, std::string_view organization,
                                absl::Span<const Resource* const> wanted) const
    -> absl::StatusOr<std::vector<NamedRows<Resource>>> {
  std::vector<NamedRows<Resource>> named(wanted.size());
  std::vector<RowName> names;
  std::vector<size_t> with_key;
  std::vector<std::vector<db::Param>> external_ids;
  std::vector<size_t> with_external_id;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!Key(*wanted[i]).empty()) {
      names.push_back({organization, Key(*wanted[i])});
      with_key.push_back(i);
    }
    if constexpr (HasExternalId<Resource>) {
      if (wanted[i]->external_id().empty()) continue;
      external_ids.push_back({{"alma_internal_organization", organization},
                              {"origin", wanted[i]->origin()},
                              {"external_id", wanted[i]->external_id()}});
      with_external_id.push_back(i);
    }
  }
  RETURN_IF_ERROR(FindEach(session, names, db::ManyRows::kMost, [&](size_t i, Resource row) {
    named[with_key[i]].by_key = std::move(row);
  }));
  RETURN_IF_ERROR(
      session.QueryEach(find_by_external_id_, external_ids, [&](size_t run, db::Row& row) {
        Read(row, organization, &named[with_external_id[run]].by_external_id.emplace());
      }));
  return named;
}

template <typename Resource>
absl::Status Table<Resource>::Insert(db::Session& session,
                                     absl::Span<const Resource* const> rows) const {
  std::vector<std::string_view> sqls;
  std::vector<std::vector<db::Param>> runs;
  for (const db::ManyRows::Group& group : insert_->Exactly(session, rows.size())) {
    sqls.push_back(group.sql);
    std::vector<db::Param>& params = runs.emplace_back();
    params.reserve(group.rows * (definition_.columns.size() + 1));
    for (size_t i = 0; i < group.rows; ++i) {
      const Resource& row = *rows[group.At(i)];
      auto name = insert_->names(i).begin();
      params.emplace_back(*name, row.alma_internal_organization());
      for (const Column<Resource>& column : definition_.columns) {
        params.push_back(column.bind(*++name, row));
      }
    }
  }
  return session.ExecuteLater(sqls, std::move(runs));
}

template <typename Resource>
absl::Status Table<Resource>::Update(db::Session& session, const Resource& resource) const {
  std::vector<db::Param> params = {
      {"alma_internal_organization", resource.alma_internal_organization()},
      {KeyName<Resource>(), Key(resource)}};
  for (const Column<Resource>& column : definition_.columns) {
    if (column.changes) params.push_back(column.bind(column.name, resource));
  }
  return session.ExecuteLater(update_, std::move(params));
}

}  // namespace alma::tenant
