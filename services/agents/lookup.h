#pragma once

#include <string>
#include <string_view>

// The forms in which agents are looked up by addresses. Two addresses name the same one where these
// are equal; agents keep what they were given beside them.
namespace alma::agents {

// The address with the letters A to Z in lower case. All else is compared as it is: other letters
// have no lower case that holds everywhere.
std::string EmailLookup(std::string_view email);

// The digits 0 to 9, behind a `+` where one stands before the first of them: "+55 (11) 98765-4321"
// is "+5511987654321". Empty where there is no digit.
std::string PhoneNumberLookup(std::string_view phone_number);

}  // namespace alma::agents
