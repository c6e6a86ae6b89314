#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/db/session.h"

// The columns of a tenant's table, each tied to the field of the resource that it holds:
//
//   tenant::Text<&v1::Agent::origin, &v1::Agent::mutable_origin>("origin")
//
// A name outlives its column. An optional text is null where the field is empty, all other optional
// columns where it is not set.
namespace alma::tenant {

template <typename Resource>
struct Column {
  std::string_view name;
  // Takes the next column of the row. None where no select asks for it.
  void (*read)(db::Row& row, Resource& resource) = nullptr;
  // The parameter `:name`.
  db::Param (*bind)(std::string_view name, const Resource& resource) = nullptr;
  // Whether an update writes it.
  bool changes = false;
};

template <typename Resource>
Column<Resource> Changing(Column<Resource> column) {
  column.changes = true;
  return column;
}

namespace internal {

template <typename Getter>
struct GetterTraits;
template <typename Class, typename Value>
struct GetterTraits<Value (Class::*)() const> {
  using Resource = Class;
};
template <typename Class, typename Value>
struct GetterTraits<Value (Class::*)() const noexcept> {
  using Resource = Class;
};

}  // namespace internal

// The resource whose field `kGet` reads.
template <auto kGet>
using ResourceOf = typename internal::GetterTraits<decltype(kGet)>::Resource;

namespace internal {

template <auto kHas, auto kGet>
db::Param BindOptional(std::string_view name, const ResourceOf<kGet>& resource) {
  return (resource.*kHas)() ? db::Param(name, (resource.*kGet)()) : db::Param::Null(name);
}

}  // namespace internal

template <auto kGet, auto kMutable>
Column<ResourceOf<kGet>> Text(std::string_view name) {
  using Resource = ResourceOf<kGet>;
  return {name, [](db::Row& row, Resource& resource) { *(resource.*kMutable)() = row.Text(); },
          [](std::string_view column, const Resource& resource) {
            return db::Param(column, (resource.*kGet)());
          }};
}

template <auto kGet, auto kMutable>
Column<ResourceOf<kGet>> OptionalText(std::string_view name) {
  using Resource = ResourceOf<kGet>;
  return {name,
          [](db::Row& row, Resource& resource) {
            if (const auto text = row.OptionalText()) *(resource.*kMutable)() = *text;
          },
          [](std::string_view column, const Resource& resource) {
            return db::Param::TextOrNull(column, (resource.*kGet)());
          }};
}

template <auto kGet, auto kMutable>
Column<ResourceOf<kGet>> Time(std::string_view name) {
  using Resource = ResourceOf<kGet>;
  return {name, [](db::Row& row, Resource& resource) { row.Time((resource.*kMutable)()); },
          [](std::string_view column, const Resource& resource) {
            return db::Param(column, (resource.*kGet)());
          }};
}

template <auto kHas, auto kGet, auto kMutable>
Column<ResourceOf<kGet>> OptionalTime(std::string_view name) {
  using Resource = ResourceOf<kGet>;
  return {name,
          [](db::Row& row, Resource& resource) {
            if (!row.SkipNull()) row.Time((resource.*kMutable)());
          },
          internal::BindOptional<kHas, kGet>};
}

template <auto kHas, auto kGet, auto kMutable>
Column<ResourceOf<kGet>> OptionalJson(std::string_view name) {
  using Resource = ResourceOf<kGet>;
  return {name,
          [](db::Row& row, Resource& resource) {
            if (auto json = row.OptionalJson()) *(resource.*kMutable)() = *std::move(json);
          },
          internal::BindOptional<kHas, kGet>};
}

// Of an int32 or int64.
template <auto kGet, auto kSet>
Column<ResourceOf<kGet>> Number(std::string_view name) {
  using Resource = ResourceOf<kGet>;
  using Value = decltype((std::declval<const Resource&>().*kGet)());
  return {
      name,
      [](db::Row& row, Resource& resource) { (resource.*kSet)(static_cast<Value>(row.Int64())); },
      [](std::string_view column, const Resource& resource) {
        return db::Param(column, int64_t{(resource.*kGet)()});
      }};
}

template <auto kGet, auto kSet>
Column<ResourceOf<kGet>> Boolean(std::string_view name) {
  using Resource = ResourceOf<kGet>;
  return {name, [](db::Row& row, Resource& resource) { (resource.*kSet)(row.Bool()); },
          [](std::string_view column, const Resource& resource) {
            return db::Param(column, (resource.*kGet)());
          }};
}

template <auto kHas, auto kGet, auto kSet>
Column<ResourceOf<kGet>> OptionalNumber(std::string_view name) {
  using Resource = ResourceOf<kGet>;
  using Value = decltype((std::declval<const Resource&>().*kGet)());
  return {name,
          [](db::Row& row, Resource& resource) {
            if (const auto number = row.OptionalInt64()) {
              (resource.*kSet)(static_cast<Value>(*number));
            }
          },
          internal::BindOptional<kHas, kGet>};
}

}  // namespace alma::tenant
