#include "common/rpc/hold.h"

#include <atomic>
#include <thread>
#include <vector>

#include "catch2/catch.hpp"

namespace alma::rpc {
namespace {

TEST_CASE("what is held runs when the hold ends and in its order") {
  Hold hold;
  std::vector<int> ran;
  hold.Pass([&] { ran.push_back(0); });
  CHECK(ran == std::vector<int>{0});
  CHECK_FALSE(hold.held());
  hold.Begin();
  CHECK(hold.held());
  for (const int call : {1, 2, 3}) hold.Pass([&ran, call] { ran.push_back(call); });
  CHECK(ran == std::vector<int>{0});
  hold.End();
  CHECK_FALSE(hold.held());
  CHECK(ran == std::vector<int>{0, 1, 2, 3});
  hold.Pass([&] { ran.push_back(4); });
  CHECK(ran.back() == 4);
}

TEST_CASE("nothing is lost where a hold begins and ends while calls pass", "[threads]") {
  Hold hold;
  std::atomic<int> ran = 0;
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < 10'000; ++call) hold.Pass([&] { ++ran; });
    });
  }
  for (int i = 0; i < 200; ++i) {
    hold.Begin();
    hold.End();
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(ran == 40'000);
}

}  // namespace
}  // namespace alma::rpc
