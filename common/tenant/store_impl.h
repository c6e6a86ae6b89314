#pragma once

#include <set>
#include <string>

#include "common/tenant/store.h"

// The bodies of Store's templates.
namespace alma::tenant {

template <typename Resource>
auto Store<Resource>::CreateOne(Session& session, const std::string& organization,
                                const Resource& wanted, int64_t revision)
    -> absl::StatusOr<Created> {
  ASSIGN_OR_RETURN(auto repeated, table_.FindRepeated(session, organization, wanted));
  if (repeated.has_value()) return Created{*std::move(repeated), /*is_new=*/false};
  const google::protobuf::Timestamp now = text::Now();
  Resource created = wanted;
  if (Key(created).empty()) *MutableKey(created) = id::NewUuid();
  created.set_alma_internal_organization(organization);
  if constexpr (HasCreatedAt<Resource>) {
    if (!created.has_created_at()) *created.mutable_created_at() = now;
  }
  Touch(created, revision, now);
  if (const auto on_create = table_.definition().on_create) {
    RETURN_IF_ERROR(on_create(session, created));
  }
  RETURN_IF_ERROR(table_.Insert(session, created));
  return Created{std::move(created), /*is_new=*/true};
}

template <typename Resource>
template <typename Items>
absl::Status Store<Resource>::CreateInOrder(
    Session& session, const std::string& organization, const Items& wanted,
    absl::FunctionRef<absl::Status(int, absl::StatusOr<Resource>)> on_result) {
  ASSIGN_OR_RETURN(const int64_t first, db::TakeRevisions(session, organization, 0));
  int64_t next = first;
  int index = 0;
  for (const Resource& one : wanted) {
    absl::StatusOr<Created> created = CreateOne(session, organization, one, next);
    if (created.ok() && created->is_new) ++next;
    RETURN_IF_ERROR(on_result(index++, created.ok()
                                           ? absl::StatusOr<Resource>(std::move(created->resource))
                                           : created.status()));
  }
  if (next != first) return db::TakeRevisions(session, organization, next - first).status();
  session.Discard();
  return absl::OkStatus();
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Create(const rpc::Call& call, const Resource& wanted) {
  return database_.Write(call.deadline, [&](Session& session) -> absl::StatusOr<Resource> {
    ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, call.organization()));
    ASSIGN_OR_RETURN(Created created, CreateOne(session, call.organization(), wanted, revision));
    if (!created.is_new) session.Discard();
    return std::move(created.resource);
  });
}

template <typename Resource>
template <typename Response>
absl::StatusOr<Response> Store<Resource>::CreateAll(
    const rpc::Call& call, const std::string& field,
    const google::protobuf::RepeatedPtrField<Resource>& wanted,
    google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)()) {
  return database_.Write(call.deadline, [&](Session& session) -> absl::StatusOr<Response> {
    Response response;
    std::set<std::string> keys;
    const auto on_result = [&](int i, absl::StatusOr<Resource> result) {
      const std::string item = absl::StrCat(field, "[", i, "]");
      if (!result.ok()) {
        return IsRefusal(result.status()) ? status::AtItem(result.status(), item) : result.status();
      }
      // Items that name one row, each in its own way.
      if (!keys.insert(Key(*result)).second) {
        return status::FieldsInvalid({{item, "is in the batch already"}});
      }
      *(response.*rows)()->Add() = *std::move(result);
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(CreateInOrder(session, call.organization(), wanted, on_result));
    return response;
  });
}

template <typename Resource>
auto Store<Resource>::CreateEach(const rpc::Call& call, const std::vector<Resource>& wanted)
    -> absl::StatusOr<Results> {
  if (wanted.empty()) return Results();
  return database_.Write(call.deadline, [&](Session& session) -> absl::StatusOr<Results> {
    Results results;
    results.reserve(wanted.size());
    const auto on_result = [&](int, absl::StatusOr<Resource> result) {
      if (!result.ok() && !IsRefusal(result.status())) return result.status();
      results.push_back(std::move(result));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(CreateInOrder(session, call.organization(), wanted, on_result));
    return results;
  });
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Get(const rpc::Call& call, const std::string& key) {
  return database_.Read(call.deadline, [&](Session& session) -> absl::StatusOr<Resource> {
    return table_.Require(session, call.organization(), key);
  });
}

template <typename Resource>
template <typename Response>
absl::StatusOr<Response> Store<Resource>::BatchGet(
    const rpc::Call& call, const google::protobuf::RepeatedPtrField<std::string>& keys,
    google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)()) {
  return database_.Read(call.deadline, [&](Session& session) -> absl::StatusOr<Response> {
    Response response;
    for (const std::string& key : keys) {
      ASSIGN_OR_RETURN(*(response.*rows)()->Add(),
                       table_.Require(session, call.organization(), key));
    }
    if (response.ByteSizeLong() > db::kMaxPageBytes) {
      return status::FieldsInvalid(
          {{"uuids", "name more than 3 MiB together: ask for fewer at a time"}});
    }
    return response;
  });
}

template <typename Resource>
template <typename Response, typename Query, typename PositionOf>
absl::StatusOr<db::ListPage<Response>> Store<Resource>::Page(
    const rpc::Call& call, int32_t page_size, const db::Position& after,
    google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)(), Query query,
    PositionOf position) {
  return database_.Read(call.deadline, [&](Session& session) {
    return db::ReadList(
        page_size, after, rows,
        [&](const db::Position& at, int64_t limit, auto& on_row) {
          const ListQuery asked = query(at, limit);
          return session.Query(asked.sql, asked.params, on_row);
        },
        [&](db::Row& row, db::Position* at) {
          Resource resource = table_.Read(row, call.organization());
          *at = position(resource);
          return resource;
        });
  });
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Lock(Session& session, const std::string& organization,
                                               const std::string& key, int64_t* revision) {
  ASSIGN_OR_RETURN(*revision, db::TakeRevisions(session, organization));
  return table_.Require(session, organization, key);
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Update(const rpc::Call& call, const Resource& given,
                                                 const google::protobuf::FieldMask& mask) {
  return Change(call, Key(given), given.revision(), [&](Resource& stored) {
    text::WriteMasked(mask, given, &stored);
    return absl::OkStatus();
  });
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Change(
    const rpc::Call& call, const std::string& key, int64_t expected_revision,
    absl::FunctionRef<absl::Status(Resource&)> change) {
  return database_.Write(call.deadline, [&](Session& session) -> absl::StatusOr<Resource> {
    int64_t revision = 0;
    ASSIGN_OR_RETURN(const Resource stored, Lock(session, call.organization(), key, &revision));
    if (stored.has_deleted_at()) return status::UpdateOfDeleted(table_.resource());
    RETURN_IF_ERROR(db::CheckRevision(table_.resource(), expected_revision, stored.revision()));
    Resource changed = stored;
    RETURN_IF_ERROR(change(changed));
    if (google::protobuf::util::MessageDifferencer::Equals(changed, stored)) {
      session.Discard();
      return changed;
    }
    Touch(changed, revision, text::Now());
    if (const auto on_update = table_.definition().on_update) {
      RETURN_IF_ERROR(on_update(session, stored, changed));
    }
    RETURN_IF_ERROR(table_.Update(session, changed));
    return changed;
  });
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Delete(const rpc::Call& call, const std::string& key,
                                                 int64_t expected_revision) {
  return database_.Write(call.deadline, [&](Session& session) -> absl::StatusOr<Resource> {
    int64_t revision = 0;
    ASSIGN_OR_RETURN(Resource row, Lock(session, call.organization(), key, &revision));
    if (row.has_deleted_at()) {
      session.Discard();
      return row;
    }
    RETURN_IF_ERROR(db::CheckRevision(table_.resource(), expected_revision, row.revision()));
    const google::protobuf::Timestamp now = text::Now();
    *row.mutable_deleted_at() = now;
    Touch(row, revision, now);
    if (const auto on_delete = table_.definition().on_delete) {
      RETURN_IF_ERROR(on_delete(session, row));
    }
    RETURN_IF_ERROR(table_.Update(session, row));
    return row;
  });
}

}  // namespace alma::tenant
