#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/channel.h>

#include "common/db/database.h"
#include "tests/support/database.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

// The programs of $ALMA_BIN_DIR, as an operator starts them. What does not succeed fails the test
// case.
namespace alma::testing {

// A place for Alma's databases, empty at first, and a folder for whatever else a test case needs.
class AlmaStorage {
 public:
  // SQLite: a folder. PostgreSQL: a database in the cluster that $ALMA_TEST_POSTGRES names.
  explicit AlmaStorage(db::Engine engine);
  // The PostgreSQL database that `url` names.
  explicit AlmaStorage(std::string url);

  // SQLite: what --data_dir names, not there until a command makes it.
  std::string data_dir() const { return folder_.path() + "/data"; }
  const std::string& folder() const { return folder_.path(); }
  std::string secret_file() const { return folder_.path() + "/secret"; }

  // That of the PostgreSQL database, for another storage on it; empty on SQLite.
  const std::string& url() const { return url_; }

  // The flag that says where the databases are, for every command.
  std::string location_flag() const;
  // That and what `serve` needs besides.
  std::vector<std::string> ServeFlags() const;

  // To look at, or spoil, what is stored in the database `name`. Statements run with its tables at
  // hand.
  std::unique_ptr<db::Database> Open(std::string_view name) const;

 private:
  const TemporaryFolder folder_;
  const std::unique_ptr<PostgresDatabase> database_;
  // Empty on SQLite.
  const std::string url_;
};

// `alma` with these arguments, run to its end.
Finished RunAlma(const std::vector<std::string>& arguments);

struct Bootstrapped {
  std::string organization_uuid;
  std::string secret;
};
Bootstrapped Bootstrap(const AlmaStorage& storage, const std::string& organization = "Escola Alma");

// A server, ready when it is made, killed in the end. The test case fails when a secret stands in
// its log by then.
class AlmaServer {
 public:
  // An `alma serve` on a free loopback port. --log_level and the like may be given as `flags`.
  explicit AlmaServer(const AlmaStorage& storage, const std::vector<std::string>& flags = {});
  // What such a command line starts.
  explicit AlmaServer(const std::vector<std::string>& command);
  ~AlmaServer();

  // As grpcurl takes it.
  const std::string& address() const { return address_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  Process& process() { return process_; }

  // Ends it with `signal` and waits. Clients that were made with the channel have to be gone.
  Finished Stop(int signal);

 private:
  Process process_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

// The command line of a program that serves ("alma-conversations") with these flags and picks its
// port where they do not.
std::vector<std::string> ServerCommand(const std::string& program,
                                       const std::vector<std::string>& flags);
// That of an `alma serve`.
std::vector<std::string> ServeCommand(const AlmaStorage& storage,
                                      const std::vector<std::string>& flags);
// The address in the next ready line of such a process.
std::string AwaitAddress(Process& process);

}  // namespace alma::testing
