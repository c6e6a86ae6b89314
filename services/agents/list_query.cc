#include "services/agents/list_query.h"

#include "services/agents/rows.h"

namespace alma::agents {

tenant::ListQuery AgentsBehind(const db::Position& after, std::string_view organization,
                               const v1::ListAgentsRequest& request, int64_t limit) {
  tenant::ListRange range(Agents().name(), Agents().columns(), organization);
  const bool by_address = !request.email().empty() || !request.phone_number().empty();
  if (!request.email().empty()) range.Where("email_lookup", request.email());
  if (!request.phone_number().empty()) range.Where("phone_number_lookup", request.phone_number());
  if (!request.origin().empty()) range.Where("origin", request.origin());
  if (request.has_internal()) {
    // Few agents share an address, so that its index does without `internal`. As a mere condition
    // this cannot lead an engine to the index of all internal agents instead.
    if (by_address) {
      range.Filter(request.internal() ? "internal" : "not internal");
    } else {
      range.Where("internal", request.internal());
    }
  }
  if (!request.show_deleted()) range.Filter("deleted_at is null");
  range.OrderBy({"uuid"}, /*descending=*/false);
  return range.Behind(after, limit);
}

}  // namespace alma::agents
