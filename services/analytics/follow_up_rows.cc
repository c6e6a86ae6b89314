#include "services/analytics/follow_up_rows.h"

namespace alma::analytics {

using v1::FollowUp;

const tenant::Table<FollowUp>& FollowUps() {
  using tenant::Changing;
  using tenant::Text;
  static const tenant::Table<FollowUp> table({
      .name = "follow_up",
      .resource = "follow-up",
      .columns =
          {
              Text<&FollowUp::conversation_uuid, &FollowUp::mutable_conversation_uuid>(
                  "conversation_uuid"),
              Changing(Text<&FollowUp::agent_uuid, &FollowUp::mutable_agent_uuid>("agent_uuid")),
              Changing(tenant::Number<&FollowUp::score, &FollowUp::set_score>("score")),
              Changing(tenant::Time<&FollowUp::follow_up_date, &FollowUp::mutable_follow_up_date>(
                  "follow_up_date")),
          },
  });
  return table;
}

}  // namespace alma::analytics
