#pragma once

#include <string>

#include "tests/support/temporary_folder.h"

namespace alma::testing {

// An empty database in the cluster that $ALMA_TEST_POSTGRES (a URL) names, gone at the end. The
// test case fails without the cluster.
class PostgresDatabase {
 public:
  PostgresDatabase();
  ~PostgresDatabase();
  PostgresDatabase(const PostgresDatabase&) = delete;
  PostgresDatabase& operator=(const PostgresDatabase&) = delete;

  const std::string& url() const { return url_; }

 private:
  const std::string name_;
  const std::string url_;
};

// A PostgreSQL of one test case's own, for those that end it. Each function fails the test case
// where it fails.
class PostgresCluster {
 public:
  PostgresCluster();
  ~PostgresCluster();

  const std::string& url() const { return url_; }

  // Ends it at once, as a crash would.
  void Crash();
  // After Crash: starts it on what it stored.
  void Restart();
  // After Crash: the same, but as a standby, which only reads until Promote.
  void RestartAsStandby();
  void Promote();

 private:
  void Script(const std::string& verb);

  TemporaryFolder parent_;
  const std::string folder_;
  const std::string url_;
};

}  // namespace alma::testing
