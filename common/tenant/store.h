#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/db/database.h"
#include "common/db/list_page.h"
#include "common/rpc/call.h"
#include "common/rpc/completion.h"
#include "common/tenant/create_batch.h"
#include "common/tenant/queued_get.h"
#include "common/tenant/resource.h"
#include "common/tenant/table.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/repeated_ptr_field.h"

namespace alma::tenant {

// The resources of one table, of the caller's organization; any other one does not exist. Requests
// are validated. Beyond the statuses named here all methods answer those of Database. Thread-safe.
template <typename Resource>
class Store : private db::BatchWriter {
 public:
  // Both outlive it.
  Store(db::Database& database, const Table<Resource>& table)
      : database_(database), table_(table) {}

  // Creates the resource in one transaction with others that come meanwhile, and finishes
  // `completion` once that is durable, from another thread. A repeat with a known key or
  // external_id and equal content answers the stored row; ALREADY_EXISTS (ALREADY_EXISTS or
  // DELETED) where a known row differs. Creates of one organization are stored in the order of
  // their calls. A status that is not OK instead of a completion: RESOURCE_EXHAUSTED (OVERLOADED),
  // too many wait.
  absl::Status Create(const rpc::Call& call, Resource wanted, rpc::Completion<Resource> completion);

  // The same, waiting for it.
  absl::StatusOr<Resource> Create(const rpc::Call& call, Resource wanted);

  // All or none, in order, each as Create does, into the field `rows` of the response; the status
  // of the first that is refused names it as "field[i]". INVALID_ARGUMENT where they are more than
  // a client takes in one answer.
  template <typename Response>
  absl::StatusOr<Response> CreateAll(
      const rpc::Call& call, const std::string& field,
      const google::protobuf::RepeatedPtrField<Resource>& wanted,
      google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)());

  // Each by itself, in order, in one transaction: what Create would have answered. Of many whose
  // answers are much larger than they, the first only: see CreateBatch::Run with the call's
  // answer_bytes. Fails as a whole, with nothing stored, only as Database does.
  using Results = std::vector<absl::StatusOr<Resource>>;
  absl::StatusOr<Results> CreateEach(const rpc::Call& call, const std::vector<Resource>& wanted);

  // Finishes each of `gets`, of any organizations, on this thread: with its row, deleted ones too,
  // as soon as that is read; NOT_FOUND; or what its check_admitted answers now. All share one read
  // of the database; where that fails with INTERNAL, each is read by itself.
  void GetEach(absl::Span<QueuedGet<Resource>> gets);

  // The same for one.
  absl::StatusOr<Resource> Get(const rpc::Call& call, const std::string& key);

  // In the order of `keys`, the request's `uuids`. NOT_FOUND where one of them is; INVALID_ARGUMENT
  // where they are more than a client takes in one answer.
  template <typename Response>
  absl::StatusOr<Response> BatchGet(
      const rpc::Call& call, const google::protobuf::RepeatedPtrField<std::string>& keys,
      google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)());

  // The page behind `after` of a list with its rows in `rows_field`. `query(at, limit)` is the
  // ListQuery for the rows behind `at` (Table::columns), `position(resource)` a row's Position.
  template <typename Response, typename Query, typename PositionOf>
  absl::StatusOr<db::ListPage<Response>> Page(const rpc::Call& call, int32_t page_size,
                                              const db::Position& after, int rows_field,
                                              Query query, PositionOf position);

  // Writes the fields that the mask names. See Change.
  absl::StatusOr<Resource> Update(const rpc::Call& call, const Resource& given,
                                  const google::protobuf::FieldMask& mask);

  // Writes what `change` makes of the row; where that is nothing, the row stays as it is.
  // NOT_FOUND, ABORTED, FAILED_PRECONDITION (DELETED), and what `change` and the table's on_update
  // answer.
  absl::StatusOr<Resource> Change(const rpc::Call& call, const std::string& key,
                                  int64_t expected_revision,
                                  absl::FunctionRef<absl::Status(Resource&)> change);

  // Answers the tombstone, also where there is one already. NOT_FOUND, ABORTED.
  absl::StatusOr<Resource> Delete(const rpc::Call& call, const std::string& key,
                                  int64_t expected_revision);

 protected:
  db::Database& database() const { return database_; }

  // What Page reads, row by row to `add`. See db::ReadRows.
  template <typename Query, typename PositionOf, typename Add>
  absl::StatusOr<db::Position> ReadRows(db::Session& session, const std::string& organization,
                                        int32_t page_size, const db::Position& after, Query query,
                                        PositionOf position, Add add,
                                        size_t max_bytes = db::kMaxPageBytes);

 private:
  using Session = db::Session;
  struct QueuedCreate;
  using Batch = CreateBatch<Resource>;

  absl::StatusOr<bool> Write(Session& session, const std::string& organization,
                             absl::Span<db::QueuedWrite* const> writes) final;
  // Stores nothing where nothing is new.
  absl::StatusOr<Results> CreateInOrder(Session& session, const std::string& organization,
                                        absl::Span<const Resource* const> wanted,
                                        size_t max_repeated_bytes);
  // The row to change, with the organization's writes locked; `revision` is the next.
  absl::StatusOr<Resource> Lock(Session& session, const std::string& organization,
                                const std::string& key, int64_t* revision);

  db::Database& database_;
  const Table<Resource>& table_;
};

}  // namespace alma::tenant

#include "common/tenant/store_impl.h"
