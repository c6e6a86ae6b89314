#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "catch2/catch.hpp"
#include "common/db/list_page.h"
#include "common/tenant/resource.h"
#include "tests/support/list.h"
#include "tests/support/tenants.h"

// Lists, page by page, also while their rows change.
namespace alma::testing {

// The rows that CheckUnderChurn begins with: those with the keys NthUuid(0) to NthUuid(kChurnRows -
// 1), all of them on the list. Page size: kChurnPageSize.
inline constexpr int kChurnRows = 1000;
inline constexpr int kChurnPageSize = 7;

// Reads a list to its end and calls `between` after each page. `list(position)` is a call of the
// store, `rows` the response's accessor: all rows in their order.
template <typename List, typename Response, typename Rows>
auto ReadAll(
    List list, const Rows& (Response::*rows)() const,
    const std::function<void()>& between = [] {}) {
  std::vector<typename Rows::value_type> all;
  db::Position at;
  do {
    const db::ListPage<Response> page = Ok(list(at));
    const Response response = Decoded(page.response);
    const Rows& read = (response.*rows)();
    all.insert(all.end(), read.begin(), read.end());
    at = page.next;
    between();
  } while (!at.empty());
  return all;
}

template <typename Resources>
std::vector<std::string> KeysOf(const Resources& resources) {
  std::vector<std::string> keys;
  for (const auto& resource : resources) keys.push_back(tenant::Key(resource));
  return keys;
}

// What happens to the rows of a list between two pages.
struct Churn {
  // A new row comes.
  std::function<void()> insert;
  // A row is changed; it may move on the list or leave it.
  std::function<void(const std::string& key)> update;
  std::function<void(const std::string& key)> remove;
};

// Reads the list while of each ten rows one is changed and one goes. Fails the test case where a
// row that stands throughout is missed, or one that does not move is read twice.
template <typename List, typename Response, typename Rows>
void CheckUnderChurn(List list, const Rows& (Response::*rows)() const, const Churn& churn) {
  constexpr int kTens = kChurnRows / 10;
  int pages = 0;
  const auto between = [&] {
    const int ten = pages % kTens * 10;
    // New rows may sort last: else the list would never come to an end.
    if (pages++ < kChurnRows / kChurnPageSize) churn.insert();
    churn.update(NthUuid(ten + 7));
    if (pages <= kTens) churn.remove(NthUuid(ten + 9));
  };
  std::map<std::string, int> times;
  for (const std::string& key : KeysOf(ReadAll(list, rows, between))) ++times[key];
  CHECK(pages > kTens);
  int missed = 0;
  for (int i = 0; i < kChurnRows; ++i) {
    if (i % 10 < 7) missed += times[NthUuid(i)] == 0 ? 1 : 0;
    if (i % 10 == 7) times.erase(NthUuid(i));
  }
  int doubled = 0;
  for (const auto& [key, count] : times) doubled += count > 1 ? 1 : 0;
  CHECK(missed == 0);
  CHECK(doubled == 0);
}

}  // namespace alma::testing
