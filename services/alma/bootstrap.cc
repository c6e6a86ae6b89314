#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/time/clock.h"
#include "common/db/migration.h"
#include "common/serve/storage.h"
#include "common/status/macros.h"
#include "google/protobuf/util/json_util.h"
#include "services/alma/commands.h"
#include "services/alma/schemas.h"
#include "services/organizations/schema.h"
#include "services/organizations/store.h"

ABSL_FLAG(std::string, organization, "",
          "bootstrap: name of the first organization. principal: uuid of the caller's.");

namespace alma {
namespace {

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) {
    return absl::InternalError("cannot print the answer");
  }
  return json;
}

}  // namespace

absl::Status Bootstrap() {
  const std::string name = absl::GetFlag(FLAGS_organization);
  if (name.empty()) return absl::InvalidArgumentError("bootstrap needs --organization=NAME");
  ASSIGN_OR_RETURN(const auto storage, serve::Storage::FromFlags(AllSchemas()));
  ASSIGN_OR_RETURN(const auto locks, storage.Lock());
  for (const db::Schema* schema : storage.schemas()) {
    ASSIGN_OR_RETURN(const auto database, storage.Open(*schema, /*sessions=*/1));
    RETURN_IF_ERROR(db::Migrate(*database, /*dry_run=*/false).status());
  }
  ASSIGN_OR_RETURN(const auto database, storage.Open(organizations::Schema(), /*sessions=*/1));
  organizations::Store store(*database);
  ASSIGN_OR_RETURN(const auto made, store.Bootstrap(name, absl::Now() + absl::Seconds(30)));
  ASSIGN_OR_RETURN(const std::string organization, ToJson(made.organization));
  ASSIGN_OR_RETURN(const std::string api_key, ToJson(made.api_key));
  std::printf(R"({"organization":%s,"api_key":%s,"secret":"%s"})"
              "\n",
              organization.c_str(), api_key.c_str(), made.secret.c_str());
  return absl::OkStatus();
}

}  // namespace alma
