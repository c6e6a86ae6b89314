#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/db/page.h"
#include "common/db/revision.h"
#include "common/log/log.h"
#include "common/rpc/connection.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/tenant/list_query.h"
#include "common/tenant/store.h"
#include "common/text/field_mask.h"
#include "common/text/timestamp.h"
#include "common/wire/append.h"
#include "google/protobuf/util/message_differencer.h"

// The bodies of Store's templates.
namespace alma::tenant {

template <typename Resource>
struct Store<Resource>::QueuedCreate final : db::QueuedWrite {
  QueuedCreate(db::BatchWriter& writer, const rpc::Call& call, Resource resource,
               rpc::Completion<Resource> whose)
      // The request's bytes are kept until its call ends.
      : QueuedWrite(writer, call.organization(), call.deadline,
                    resource.SpaceUsedLong() + resource.ByteSizeLong()),
        wanted(std::move(resource)),
        completion(std::move(whose)) {}

  absl::Status CheckAwaited() const override { return completion.check_awaited(); }

  absl::Status CheckAdmitted() override {
    return completion.check_known ? completion.check_known() : CheckAwaited();
  }

  void Finish(const absl::Status& transaction) override {
    completion.finish(transaction.ok() ? std::move(result) : transaction);
  }

  const Resource wanted;
  absl::StatusOr<Resource> result = absl::UnknownError("not written");
  const rpc::Completion<Resource> completion;
};

template <typename Resource>
absl::Status Store<Resource>::Create(const rpc::Call& call, Resource wanted,
                                     rpc::Completion<Resource> completion) {
  db::BatchWriter& writer = *this;
  std::unique_ptr<db::QueuedWrite> write =
      std::make_unique<QueuedCreate>(writer, call, std::move(wanted), std::move(completion));
  if (database_.Submit(write)) return absl::OkStatus();
  return db::LaneFull();
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Create(const rpc::Call& call, Resource wanted) {
  absl::StatusOr<Resource> created = absl::UnknownError("not created");
  absl::Notification finished;
  RETURN_IF_ERROR(Create(call, std::move(wanted),
                         {.check_awaited = [] { return absl::OkStatus(); },
                          .finish =
                              [&](absl::StatusOr<Resource> result) {
                                created = std::move(result);
                                finished.Notify();
                              }}));
  finished.WaitForNotification();
  return created;
}

template <typename Resource>
absl::StatusOr<bool> Store<Resource>::Write(Session& session, const std::string& organization,
                                            absl::Span<db::QueuedWrite* const> writes) {
  std::vector<const Resource*> wanted;
  wanted.reserve(writes.size());
  for (const db::QueuedWrite* const write : writes) {
    wanted.push_back(&static_cast<const QueuedCreate*>(write)->wanted);
  }
  Batch batch(session, table_, organization);
  ASSIGN_OR_RETURN(Results results, batch.Run(wanted, db::kMaxRoundBytes));
  for (size_t i = 0; i < writes.size(); ++i) {
    absl::StatusOr<Resource>& result = static_cast<QueuedCreate*>(writes[i])->result;
    if (i < results.size()) {
      result = std::move(results[i]);
    } else {
      result = db::LaneFull();
    }
  }
  return batch.stored_any();
}

template <typename Resource>
auto Store<Resource>::CreateInOrder(Session& session, const std::string& organization,
                                    absl::Span<const Resource* const> wanted,
                                    size_t max_repeated_bytes) -> absl::StatusOr<Results> {
  Batch batch(session, table_, organization);
  ASSIGN_OR_RETURN(Results results, batch.Run(wanted, max_repeated_bytes));
  if (!batch.stored_any()) session.Discard();
  return results;
}

template <typename Resource>
template <typename Response>
absl::StatusOr<Response> Store<Resource>::CreateAll(
    const rpc::Call& call, const std::string& field,
    const google::protobuf::RepeatedPtrField<Resource>& wanted,
    google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)()) {
  // Repeats may be much smaller than the rows that answer them.
  constexpr size_t kMaxBytes = rpc::kMaxMessageBytes;
  const std::vector<const Resource*> items(wanted.pointer_begin(), wanted.pointer_end());
  return database_.Write(call.deadline, [&](Session& session) -> absl::StatusOr<Response> {
    Response response;
    std::set<std::string> keys;
    ASSIGN_OR_RETURN(Results results,
                     CreateInOrder(session, call.organization(), items, kMaxBytes));
    for (size_t i = 0; i < results.size(); ++i) {
      const std::string item = absl::StrCat(field, "[", i, "]");
      if (!results[i].ok()) return status::AtItem(results[i].status(), item);
      // Items that name one row, each in its own way.
      if (!keys.insert(Key(*results[i])).second) {
        return status::FieldsInvalid({{item, "is in the batch already"}});
      }
      *(response.*rows)()->Add() = *std::move(results[i]);
    }
    if (results.size() < items.size() || response.ByteSizeLong() > kMaxBytes) {
      return status::FieldsInvalid(
          {{field, "are more than 4 MiB as they are stored: send fewer at a time"}});
    }
    return response;
  });
}

template <typename Resource>
auto Store<Resource>::CreateEach(const rpc::Call& call, const std::vector<Resource>& wanted)
    -> absl::StatusOr<Results> {
  if (wanted.empty()) return Results();
  std::vector<const Resource*> items;
  items.reserve(wanted.size());
  for (const Resource& one : wanted) items.push_back(&one);
  return database_.Write(call.deadline, [&](Session& session) {
    return CreateInOrder(session, call.organization(), items, call.answer_bytes);
  });
}

template <typename Resource>
void Store<Resource>::GetEach(absl::Span<QueuedGet<Resource>> gets) {
  absl::Status read;
  try {
    read = internal::FindGets(database_, table_, gets);
  } catch (...) {
    // The exception's own text may hold what a row holds. Of many, the one that it comes from says
    // so when it is read by itself.
    if (gets.size() == 1) log::Error("unexpected_exception", {{"table", table_.name()}});
    read = status::Internal();
  }
  const bool one_of_many = absl::IsInternal(read) && gets.size() > 1;
  for (QueuedGet<Resource>& get : gets) {
    if (get.finished) continue;
    if (one_of_many) {
      GetEach(absl::MakeSpan(&get, 1));
    } else {
      get.Finish(read.ok() ? status::NotFound(table_.resource()) : read);
    }
  }
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Get(const rpc::Call& call, const std::string& key) {
  absl::StatusOr<Resource> got = absl::UnknownError("not read");
  QueuedGet<Resource> get{
      call.organization(),
      key,
      call.deadline,
      {.check_awaited = [] { return absl::OkStatus(); },
       .finish = [&](absl::StatusOr<Resource> answer) { got = std::move(answer); },
       .check_admitted = [] { return absl::OkStatus(); }}};
  GetEach(absl::MakeSpan(&get, 1));
  return got;
}

template <typename Resource>
template <typename Response>
absl::StatusOr<Response> Store<Resource>::BatchGet(
    const rpc::Call& call, const google::protobuf::RepeatedPtrField<std::string>& keys,
    google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)()) {
  return database_.Read(call.deadline, [&](Session& session) -> absl::StatusOr<Response> {
    Response response;
    std::vector<RowName> names;
    names.reserve(keys.size());
    for (const std::string& key : keys) {
      names.push_back({call.organization(), key});
      (response.*rows)()->Add();
    }
    std::vector<bool> found(names.size());
    size_t bytes = 0;
    RETURN_IF_ERROR(table_.FindEach(session, names, kMaxGotAtATime, [&](size_t i, Resource row) {
      // A damaged index may give a row twice.
      if (found[i]) return;
      found[i] = true;
      bytes += row.ByteSizeLong();
      if (bytes <= db::kMaxPageBytes)
        *(response.*rows)()->Mutable(static_cast<int>(i)) = std::move(row);
    }));
    if (std::find(found.begin(), found.end(), false) != found.end()) {
      return status::NotFound(table_.resource());
    }
    if (bytes > db::kMaxPageBytes) {
      return status::FieldsInvalid(
          {{"uuids", "name more than 3 MiB together: ask for fewer at a time"}});
    }
    return response;
  });
}

template <typename Resource>
template <typename Response, typename Query, typename PositionOf>
absl::StatusOr<db::ListPage<Response>> Store<Resource>::Page(const rpc::Call& call,
                                                             int32_t page_size,
                                                             const db::Position& after,
                                                             int rows_field, Query query,
                                                             PositionOf position) {
  using Page = db::ListPage<Response>;
  return database_.Read(call.deadline, [&](Session& session) -> absl::StatusOr<Page> {
    Page page;
    const auto add = [&](const Resource& resource, size_t bytes) {
      wire::AppendMessage(rows_field, resource, bytes, &page.response.bytes);
    };
    ASSIGN_OR_RETURN(
        page.next, ReadRows(session, call.organization(), page_size, after, query, position, add));
    return page;
  });
}

template <typename Resource>
template <typename Query, typename PositionOf, typename Add>
absl::StatusOr<db::Position> Store<Resource>::ReadRows(Session& session,
                                                       const std::string& organization,
                                                       int32_t page_size, const db::Position& after,
                                                       Query query, PositionOf position, Add add,
                                                       size_t max_bytes) {
  return db::ReadRows<Resource>(
      page_size, after,
      [&](const db::Position& at, int64_t limit, auto& on_row) {
        const ListQuery asked = query(at, limit);
        return session.Query(asked.sql, asked.params, on_row);
      },
      [&](db::Row& row, Resource* resource) { table_.Read(row, organization, resource); }, position,
      add, max_bytes);
}

template <typename Resource>
absl::StatusOr<Resource> Store<Resource>::Lock(Session& session, const std::string& organization,
                                               const std::string& key, int64_t* revision) {
  RETURN_IF_ERROR(db::TakeRevisionsLater(session, organization, 1, revision));
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
