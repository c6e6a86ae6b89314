#pragma once

#include "alma/analytics/v1/follow_ups.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/tenant/store.h"
#include "common/tenant/table.h"
#include "tests/support/database.h"
#include "tests/support/tenants.h"

// Two small tables of tenants' rows, for the tests of common/tenant.
namespace alma::tenant {

using analytics::v1::FollowUp;
using conversations::v1::Message;

// The tables notes and reminders.
const db::Schema& NoteSchema();

// A table with every kind of column but a number that may be null, and one, `content_size`, that is
// written and not read. The hooks of the table do as the content says: "not here" is NOT_FOUND on
// create, "spoilt" fails in the database and "thrown" by an exception, "keep" is
// FAILED_PRECONDITION on update and delete.
const Table<Message>& Notes();

// A table whose key is an event_uuid, without times, origin and external_id.
const Table<FollowUp>& Reminders();

// Valid, without ids.
Message NewNote(const std::string& content = "hello");

}  // namespace alma::tenant
