#include "services/agents/lookup.h"

#include "absl/strings/ascii.h"

namespace alma::agents {

std::string EmailLookup(std::string_view email) {
  std::string lookup(email);
  absl::AsciiStrToLower(&lookup);
  return lookup;
}

std::string PhoneNumberLookup(std::string_view phone_number) {
  std::string digits;
  bool international = false;
  for (const char c : phone_number) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      digits.push_back(c);
    } else if (c == '+' && digits.empty()) {
      international = true;
    }
  }
  return international && !digits.empty() ? "+" + digits : digits;
}

}  // namespace alma::agents
