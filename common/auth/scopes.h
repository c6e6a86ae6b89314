#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "alma/auth/v1/principal.pb.h"
#include "google/protobuf/descriptor.h"

// What a key may do. The scope that an RPC needs stands in its proto as the option
// (alma.auth.v1.scope).
namespace alma::auth {

inline constexpr std::string_view kOrganizationRead = "organization.read";
inline constexpr std::string_view kOrganizationAdmin = "organization.admin";
inline constexpr std::string_view kAgentsRead = "agents.read";
inline constexpr std::string_view kAgentsWrite = "agents.write";
inline constexpr std::string_view kConversationsRead = "conversations.read";
inline constexpr std::string_view kConversationsWrite = "conversations.write";
inline constexpr std::string_view kAnalyticsRead = "analytics.read";
inline constexpr std::string_view kAnalyticsWrite = "analytics.write";
inline constexpr std::string_view kPlatformAdmin = "platform.admin";

// Of the platform's own processes; no API key can hold it.
inline constexpr std::string_view kInternal = "internal";

// What an API key can hold.
inline constexpr std::array<std::string_view, 9> kAllScopes = {
    kOrganizationRead,   kOrganizationAdmin, kAgentsRead,     kAgentsWrite,   kConversationsRead,
    kConversationsWrite, kAnalyticsRead,     kAnalyticsWrite, kPlatformAdmin,
};

// The same but platform.admin: what is about one organization.
std::vector<std::string> TenantScopes();

// Whether an API key can hold `scope`.
bool IsKnownScope(std::string_view scope);

// The scope that calling `method` needs; "" where the proto names none, and then nobody may call
// it. Valid as long as the descriptor.
std::string_view ScopeOf(const google::protobuf::MethodDescriptor& method);

// Whether the principal may do what needs `scope`: it carries it, or carries platform.admin, which
// stands for organization.read and organization.admin too. Nobody has the scope "".
bool HasScope(const alma::auth::v1::Principal& principal, std::string_view scope);

}  // namespace alma::auth
