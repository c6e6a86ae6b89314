#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/auth/mac.h"
#include "common/auth/secret_file.h"
#include "google/protobuf/message.h"

namespace alma::db {

// Opaque page tokens for keyset paging: the keys of the last row of a page, signed. A token is only
// good for the same request (its type, hence the method, and every field but `page_size` and
// `page_token`) of the same organization. Nothing of the request stands in it; the keys do,
// readable to whoever decodes it. Thread-safe; tokens survive restarts and are good on every
// replica that shares the secrets.
class PageTokens {
 public:
  // `secrets` must not be empty.
  explicit PageTokens(const auth::Secrets& secrets);

  // `keys` are the values that the next page begins after, in the order of the list; any bytes.
  // `request` must be in the state that Decode will see: both after validation, which normalises
  // uuids.
  std::string Encode(const google::protobuf::Message& request, std::string_view organization_uuid,
                     const std::vector<std::string>& keys) const;

  // The keys that Encode was given. status::PageTokenInvalid() unless the token was made, and not
  // altered since, for this request and organization. An empty token is invalid too: it is the
  // first page and has no keys.
  absl::StatusOr<std::vector<std::string>> Decode(const google::protobuf::Message& request,
                                                  std::string_view organization_uuid,
                                                  std::string_view token) const;

 private:
  auth::MacKeys keys_;
};

}  // namespace alma::db
