#include "services/agents/rows.h"

#include "services/agents/lookup.h"

namespace alma::agents {
namespace {

using v1::Agent;

absl::Status Erase(db::Session&, Agent& agent) {
  agent.clear_name();
  agent.clear_email();
  agent.clear_phone_number();
  agent.clear_other_info();
  return absl::OkStatus();
}

tenant::Column<Agent> EmailLookupColumn() {
  return {.name = "email_lookup", .bind = [](std::string_view column, const Agent& agent) {
            return db::Param::TextOrNull(column, EmailLookup(agent.email()));
          }};
}

tenant::Column<Agent> PhoneNumberLookupColumn() {
  return {.name = "phone_number_lookup", .bind = [](std::string_view column, const Agent& agent) {
            return db::Param::TextOrNull(column, PhoneNumberLookup(agent.phone_number()));
          }};
}

}  // namespace

const tenant::Table<Agent>& Agents() {
  using tenant::Changing;
  using tenant::OptionalText;
  static const tenant::Table<Agent> table({
      .name = "agents",
      .resource = "agent",
      .columns =
          {
              Changing(OptionalText<&Agent::name, &Agent::mutable_name>("name")),
              Changing(OptionalText<&Agent::email, &Agent::mutable_email>("email")),
              Changing(
                  OptionalText<&Agent::phone_number, &Agent::mutable_phone_number>("phone_number")),
              Changing(tenant::OptionalJson<&Agent::has_other_info, &Agent::other_info,
                                            &Agent::mutable_other_info>("other_info")),
              Changing(tenant::Boolean<&Agent::internal, &Agent::set_internal>("internal")),
              tenant::Text<&Agent::origin, &Agent::mutable_origin>("origin"),
              OptionalText<&Agent::external_id, &Agent::mutable_external_id>("external_id"),
              Changing(EmailLookupColumn()),
              Changing(PhoneNumberLookupColumn()),
          },
      .on_delete = Erase,
  });
  return table;
}

}  // namespace alma::agents
