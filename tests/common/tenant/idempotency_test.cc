#include "common/tenant/idempotency.h"

#include <string>
#include <string_view>

#include "alma/conversations/v1/messages.pb.h"
#include "catch2/catch.hpp"

namespace alma::tenant {
namespace {

using conversations::v1::Message;

Message Stored() {
  Message message;
  message.set_uuid("a");
  message.set_origin("crm");
  message.set_external_id("7");
  message.set_content("hello");
  message.mutable_created_at()->set_seconds(5);
  message.mutable_created_at()->set_nanos(1000);
  auto& fields = *message.mutable_meta_data()->mutable_fields();
  fields["x"].set_number_value(0);
  fields["list"].mutable_list_value()->add_values()->set_bool_value(true);
  return message;
}

using Found = absl::StatusOr<std::optional<Message>>;

Found Repeated(const Message& wanted, std::optional<Message> by_uuid,
               std::optional<Message> by_external_id) {
  return tenant::Repeated(wanted, "message", std::move(by_uuid), std::move(by_external_id));
}

TEST_CASE("only what the caller set counts") {
  Message wanted;
  CHECK(EqualWhereSet(wanted, Stored()));
  wanted.set_content("hello");
  CHECK(EqualWhereSet(wanted, Stored()));
  wanted.set_content("Hello");
  CHECK_FALSE(EqualWhereSet(wanted, Stored()));
}

TEST_CASE("a field that is set and not stored differs even where it is empty") {
  Message wanted;
  wanted.mutable_deleted_at();
  CHECK_FALSE(EqualWhereSet(wanted, Stored()));
  wanted.clear_deleted_at();
  wanted.set_link("x");
  CHECK_FALSE(EqualWhereSet(wanted, Stored()));
}

TEST_CASE("structs are equal by value and as a whole") {
  Message wanted;
  *wanted.mutable_meta_data() = Stored().meta_data();
  (*wanted.mutable_meta_data()->mutable_fields())["x"].set_number_value(-0.0);
  CHECK(EqualWhereSet(wanted, Stored()));
  (*wanted.mutable_meta_data()->mutable_fields())["x"].set_string_value("0");
  CHECK_FALSE(EqualWhereSet(wanted, Stored()));
  wanted.mutable_meta_data()->mutable_fields()->erase("x");
  CHECK_FALSE(EqualWhereSet(wanted, Stored()));
  wanted.mutable_meta_data()->clear_fields();
  CHECK_FALSE(EqualWhereSet(wanted, Stored()));
}

TEST_CASE("times are equal to the microsecond") {
  Message wanted;
  *wanted.mutable_created_at() = Stored().created_at();
  CHECK(EqualWhereSet(wanted, Stored()));
  wanted.mutable_created_at()->set_nanos(2000);
  CHECK_FALSE(EqualWhereSet(wanted, Stored()));
}

TEST_CASE("a create that names no row is an insert") {
  Message wanted;
  wanted.set_uuid("b");
  wanted.set_external_id("8");
  const Found absent = Repeated(wanted, std::nullopt, std::nullopt);
  REQUIRE(absent.ok());
  CHECK_FALSE(absent->has_value());
}

TEST_CASE("an equal create answers the row that either id names") {
  Message wanted;
  wanted.set_origin("crm");
  wanted.set_external_id("7");
  CHECK((*Repeated(wanted, std::nullopt, Stored()))->content() == "hello");
  wanted.set_uuid("a");
  CHECK((*Repeated(wanted, Stored(), Stored()))->content() == "hello");
}

TEST_CASE("other content or another row is refused") {
  Message wanted;
  wanted.set_uuid("a");
  wanted.set_content("other");
  CHECK(status::Reason(Repeated(wanted, Stored(), std::nullopt).status()) == "ALREADY_EXISTS");

  Message other = Stored();
  other.set_uuid("c");
  Message both;
  both.set_uuid("a");
  both.set_origin("crm");
  both.set_external_id("7");
  CHECK(status::Reason(Repeated(both, Stored(), other).status()) == "ALREADY_EXISTS");
  CHECK(status::Reason(Repeated(both, std::nullopt, other).status()) == "ALREADY_EXISTS");
}

TEST_CASE("a tombstone is refused with its own reason") {
  Message wanted;
  wanted.set_uuid("a");
  Message tombstone = Stored();
  tombstone.mutable_deleted_at()->set_seconds(9);
  const absl::Status refused = Repeated(wanted, tombstone, std::nullopt).status();
  CHECK(refused.code() == absl::StatusCode::kAlreadyExists);
  CHECK(status::Reason(refused) == "DELETED");
}

}  // namespace
}  // namespace alma::tenant
