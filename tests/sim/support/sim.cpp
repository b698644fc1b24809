// SPDX-License-Identifier: MIT
#include "sim.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace sim {

namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// The seeds of a theme that failed once.
std::vector<std::uint64_t> corpus(std::string_view theme_name) {
  std::ifstream file(BURROW_SIM_CORPUS);
  REQUIRE_MESSAGE(file.good(), "cannot read " BURROW_SIM_CORPUS);
  std::vector<std::uint64_t> found;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t seed = 0;
    if (words >> name >> seed && name == theme_name) found.push_back(seed);
  }
  return found;
}

std::string lines_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

const report* running = nullptr;

/// Prints the program that has crashed, or hangs: doctest says nothing of contexts then.
struct last_words : doctest::IReporter {
  explicit last_words(const doctest::ContextOptions&) {}

  void test_case_exception(const doctest::TestCaseException& e) override {
    if (!e.is_crash || running == nullptr) return;
    say("\nthe program that ran:\n");
    say(running->program);
  }
  static void say(std::string_view text) {
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  }

  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("last_words", 2, last_words);

bool passes(const char* name, std::uint64_t seed, theme run) {
  report r;
  INFO("BURROW_SIM_FIRST=", seed, " BURROW_SIM_SEEDS=1 repeats it; the program of theme ",
       std::string(name), ":\n", r.program);
  r.program = "seed " + std::to_string(seed);
  running = &r;
  run(seed, r);
  running = nullptr;
  CHECK_MESSAGE(r.wrong.empty(), "what went wrong:\n", lines_of(r.wrong));
  return r.wrong.empty();
}

bool repeats(const char* name, std::uint64_t seed, theme run) {
  report first;
  report second;
  run(seed, first);
  run(seed, second);
  INFO("theme ", std::string(name), ", seed ", seed, "; the program:\n", first.program);
  CHECK(first.program == second.program);
  CHECK(first.trace == second.trace);
  return first.program == second.program && first.trace == second.trace;
}

void run_seeds(const char* name, unsigned seeds, theme run,
               bool (*one)(const char*, std::uint64_t, theme)) {
  const std::vector<std::uint64_t> known = corpus(name);
  const std::uint64_t first = setting("BURROW_SIM_FIRST", 1);
  const std::uint64_t count = setting("BURROW_SIM_SEEDS", seeds);
  std::uint64_t passed = 0;
  for (const std::uint64_t seed : known) {
    if (!one(name, seed, run)) return;
    ++passed;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!one(name, first + i, run)) return;
    ++passed;
  }
  CHECK(passed > 0);
  MESSAGE(std::string(name), ": ", passed, " seeds, ", known.size(), " of them from seeds.txt");
}

}  // namespace

void in_bubble(std::uint64_t seed, report& r, const std::function<task<>()>& main) {
  try {
    r.trace = synctest::test({.seed = seed}, main).trace;
  } catch (const std::exception& e) {
    r.fail(e.what());
  }
}

void run_theme(const char* name, unsigned seeds, theme run) { run_seeds(name, seeds, run, passes); }

void repeat_theme(const char* name, unsigned seeds, theme run) {
  run_seeds(name, seeds, run, repeats);
}

}  // namespace sim
