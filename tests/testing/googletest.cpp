// exit: 1
// stdout: bubble.passes (
// stdout: BURROW_SEED=42
// stdout: FAILED  ] bubble.fails
// stderr: has failed; BURROW_SEED=43 repeats it
// SPDX-License-Identifier: MIT
//
// Bubbles work under GoogleTest: a check that fails says the seed, an exception fails the test.
#include <gtest/gtest.h>
// behind gtest.h
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>

using namespace burrow;
using namespace std::chrono_literals;

class bubble_fixture : public testing::Test {};  // `testing` is GoogleTest's

TEST(bubble, passes) {
  const auto result = synctest::test([]() -> task<> {
    co_await sleep(1h);
    co_await synctest::wait();
  });
  EXPECT_EQ(result.elapsed, 1h);
}

TEST(bubble, fails) {
  synctest::test({.seed = 42}, []() -> task<> {
    EXPECT_TRUE(false);
    co_return;
  });
}

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

TEST(bubble, throws) {
  EXPECT_THROW(synctest::test({.seed = 43},
                              []() -> task<> {
                                throw std::runtime_error("no");
                                co_return;
                              }),
               std::runtime_error);
}
