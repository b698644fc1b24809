// SPDX-License-Identifier: MIT
//
// The main function of every doctest program here, with a limit on each case: a case that hangs
// ends the program with its name, long before ctest would end it without one.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace {

// Seconds for one case; BURROW_TEST_LIMIT overrides it (0: no limit, for a debugger).
unsigned case_limit_s() {
  const char* text = std::getenv("BURROW_TEST_LIMIT");
  return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : 120;
}

// Set before the alarm is armed, read by its handler.
const char* volatile running_case = "";

void say(const char* text) {
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

extern "C" void on_alarm(int) {
  say("\ntest case hangs: ");
  say(running_case);
  say("\n");
  std::abort();
}

struct case_limit : doctest::IReporter {
  explicit case_limit(const doctest::ContextOptions&) { std::signal(SIGALRM, on_alarm); }

  void test_case_start(const doctest::TestCaseData& test) override {
    running_case = test.m_name;
    ::alarm(case_limit_s());
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override { ::alarm(0); }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("case_limit", 1, case_limit);

}  // namespace
