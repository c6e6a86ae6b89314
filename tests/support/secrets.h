#pragma once

#include <string>
#include <string_view>

namespace alma::testing {

// What `log` should not hold: an API key, or the principal of a call by its name or in base64.
// Empty where it holds none.
std::string FindSecret(std::string_view log);

}  // namespace alma::testing
