#include "common/log/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/log/json_string.h"

namespace alma::log {
namespace {

// Of the line of a call.
constexpr size_t kUsualBytes = 384;

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("alma", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})", spdlog::pattern_time_type::utc));
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

void Write(spdlog::level::level_enum level, std::string_view event, Fields fields) {
  if (!Logger().should_log(level)) return;
  std::string line;
  line.reserve(kUsualBytes);
  line += R"("event":)";
  AppendJsonString(event, &line);
  for (const Field& field : fields) {
    line += ',';
    field.AppendTo(&line);
  }
  Logger().log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void Field::AppendTo(std::string* line) const {
  AppendJsonString(name_, line);
  *line += ':';
  if (number_.has_value()) {
    absl::StrAppend(line, *number_);
  } else {
    AppendJsonString(text_, line);
  }
}

bool SetUp(std::string_view level) {
  const auto parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") return false;
  Logger().set_level(parsed);
  return true;
}

void Debug(std::string_view event, Fields fields) { Write(spdlog::level::debug, event, fields); }
void Info(std::string_view event, Fields fields) { Write(spdlog::level::info, event, fields); }
void Warning(std::string_view event, Fields fields) { Write(spdlog::level::warn, event, fields); }
void Error(std::string_view event, Fields fields) { Write(spdlog::level::err, event, fields); }

}  // namespace alma::log
