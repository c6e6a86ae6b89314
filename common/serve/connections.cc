#include "common/serve/connections.h"

#include <map>
#include <string>

#include "absl/time/clock.h"
#include "common/log/log.h"

namespace alma::serve {
namespace {

constexpr absl::Duration kAnswerWithin = absl::Seconds(3);

struct Server {
  int64_t available = 0;
  int64_t connections = 0;
};

}  // namespace

void LogConnections(const std::vector<db::Database*>& databases, int per_database) {
  // Several databases may be on one server, by whatever URLs they are reached.
  std::map<std::string, Server> servers;
  for (db::Database* database : databases) {
    const std::string sql = db::Dialect::For(database->location().engine).AvailableConnections();
    if (sql.empty() || !database->Ready()) continue;
    std::string name;
    int64_t available = 0;
    const auto read = [&](db::Session& session) {
      return session.Query(sql, {}, [&](db::Row& row) {
        name = std::string(row.Text());
        available = row.Int64();
      });
    };
    if (!database->Read(absl::Now() + kAnswerWithin, read).ok() || available <= 0) continue;
    Server& server = servers[name];
    server.available = available;
    server.connections += per_database;
  }
  for (const auto& [name, server] : servers) {
    const int64_t percent = 100 * server.connections / server.available;
    const log::Fields fields = {
        {"connections", server.connections}, {"available", server.available}, {"percent", percent}};
    if (percent > kMaxPercentOfConnections) {
      log::Warning("connections", fields);
    } else {
      log::Info("connections", fields);
    }
  }
}

}  // namespace alma::serve
