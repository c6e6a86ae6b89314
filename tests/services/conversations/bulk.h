#pragma once

#include "tests/services/conversations/stores.h"

// Many rows of kOurs in seconds: a statement for each table, past the stores, into an empty
// database. The tables are analyzed in the end.
namespace alma::conversations {

// Of the conversations every one has kBusyAgent and kBusyExternal, every second kBusyOrigin, every
// hundredth the rare ones.
inline constexpr char kBusyAgent[] = "0190f5fe-2222-7000-8000-000000000001";
inline constexpr char kRareAgent[] = "0190f5fe-2222-7000-8000-000000000002";
inline constexpr char kBusyExternal[] = "+49 1";
inline constexpr char kRareExternal[] = "+49 2";
inline constexpr char kBusyOrigin[] = "busy";
inline constexpr char kRareOrigin[] = "rare";

// Conversations NthUuid(0) to NthUuid(conversations - 1), newest last, seven in a minute.
// Every second of the messages belongs to NthUuid(0), the others in turn to the kQuietConversations
// behind it. Their uuids are those behind the conversations'.
inline constexpr int kQuietConversations = 50;
void FillInBulk(Stores& stores, int conversations, int messages);

// The activity minute of conversation `n`, as lists have it in their Position.
std::string NthMinute(int n);

}  // namespace alma::conversations
