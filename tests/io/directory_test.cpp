// SPDX-License-Identifier: MIT
// Directories, and walks through them.
#include "io_test.hpp"

#include <burrow/burrow.hpp>
#include <burrow/files.hpp>

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace burrow;
using files::walk_entry;
using files::walk_step;

namespace {

void make_file(const std::string& path) { std::ofstream(path) << "x"; }

/// a/ (with 1, 2, sub/ (with 3)), b, link -> a
void make_tree(const temporary_folder& folder) {
  std::filesystem::create_directories(folder / "a/sub");
  for (const char* name : {"a/1", "a/2", "a/sub/3", "b"}) make_file(folder / name);
  std::filesystem::create_symlink("a", folder / "link");
}

/// Paths as a walk comes to them, without the root.
struct record {
  const temporary_folder& folder;
  std::vector<std::string> seen;
  std::string at(const walk_entry& e) {
    std::string name = e.path == folder.path() ? "." : e.path.substr(folder.path().size() + 1);
    seen.push_back(name + (e.error ? "!" : ""));
    return name;
  }
};

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("a directory gives each of its entries once, with what it is") {
  const temporary_folder folder;
  make_tree(folder);
  for (int i = 0; i < 300; ++i) make_file(folder / ("many" + std::to_string(i)).c_str());
  run_io([&]() -> task<> {
    result<files::directory> d = co_await files::directory::open(folder.path());
    REQUIRE(d);
    std::map<std::string, file_type> found;
    for (;;) {
      const auto next = co_await d->next();
      REQUIRE(next);
      if (!next->has_value()) break;
      CHECK(found.emplace((*next)->name, (*next)->type).second);
    }
    CHECK(found.size() == 303);
    CHECK(found.at("a") == file_type::directory);
    CHECK(found.at("b") == file_type::regular);
    CHECK(found.at("link") == file_type::symbolic_link);
    const auto after = co_await d->next();
    CHECK_FALSE(after.value().has_value());
  });
}

TEST_CASE("a file, a missing name and a nil handle are no directories") {
  const temporary_folder folder;
  make_file(folder / "f");
  run_io([&]() -> task<> {
    const auto of_file = co_await files::directory::open(folder / "f");
    CHECK(of_file.error() == std::errc::not_a_directory);
    const auto missing = co_await files::directory::open(folder / "none");
    CHECK(missing.error() == std::errc::no_such_file_or_directory);
    files::directory nil;
    const auto next = co_await nil.next();
    CHECK(next.error() == errc::not_open);
  });
}

TEST_CASE("a walk comes to everything in order, and follows no links") {
  const temporary_folder folder;
  make_tree(folder);
  run_io([&]() -> task<> {
    record r{folder, {}};
    const result<void> walked = co_await files::walk(folder.path(), [&](const walk_entry& e) {
      r.at(e);
      return walk_step::go_on;
    });
    CHECK(walked);
    CHECK((r.seen == names{".", "a", "a/1", "a/2", "a/sub", "a/sub/3", "b", "link"}));
  });
}

TEST_CASE("skip leaves out a directory, or the rest of one; stop ends the walk without an error") {
  const temporary_folder folder;
  make_tree(folder);
  run_io([&]() -> task<> {
    const auto walk_but = [&](std::string name, walk_step step) -> task<names> {
      record r{folder, {}};
      const result<void> walked = co_await files::walk(folder.path(), [&](const walk_entry& e) {
        return r.at(e) == name ? step : walk_step::go_on;
      });
      CHECK(walked);
      co_return r.seen;
    };
    const names without_a = co_await walk_but("a", walk_step::skip);
    CHECK((without_a == names{".", "a", "b", "link"}));
    const names without_rest = co_await walk_but("a/1", walk_step::skip);
    CHECK((without_rest == names{".", "a", "a/1", "b", "link"}));
    const names until_2 = co_await walk_but("a/2", walk_step::stop);
    CHECK((until_2 == names{".", "a", "a/1", "a/2"}));
  });
}

TEST_CASE("a directory that cannot be read is told, and the walk goes on if it may") {
  const temporary_folder folder;
  make_tree(folder);
  run_io([&]() -> task<> {
    for (const bool goes_on : {true, false}) {
      record r{folder, {}};
      // Gone between its visit and its reading, which no permission of root's prevents.
      const result<void> walked = co_await files::walk(folder.path(), [&](const walk_entry& e) {
        const std::string name = r.at(e);
        if (name == "a/sub" && !e.error) std::filesystem::remove_all(folder / "a/sub");
        if (!e.error) return walk_step::go_on;
        CHECK(e.error == std::errc::no_such_file_or_directory);
        return goes_on ? walk_step::go_on : walk_step::stop;
      });
      if (goes_on) {
        CHECK(walked);
        CHECK((r.seen == names{".", "a", "a/1", "a/2", "a/sub", "a/sub!", "b", "link"}));
      } else {
        CHECK(walked.error() == std::errc::no_such_file_or_directory);
        CHECK((r.seen == names{".", "a", "a/1", "a/2", "a/sub", "a/sub!"}));
      }
      std::filesystem::create_directories(folder / "a/sub");
    }
  });
}

TEST_CASE("a walk ends with its Context, and tells of a root that is not there") {
  const temporary_folder folder;
  make_tree(folder);
  run_io([&]() -> task<> {
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    int visits = 0;
    const result<void> ended = co_await files::walk(ctx, folder.path(), [&](const walk_entry&) {
      if (++visits == 2) cancel();
      return walk_step::go_on;
    });
    CHECK(ended.error() == errc::canceled);
    CHECK(visits == 2);
    std::error_code told;
    const result<void> missing = co_await files::walk(folder / "none", [&](const walk_entry& e) {
      told = e.error;
      return walk_step::go_on;
    });
    CHECK(missing.error() == std::errc::no_such_file_or_directory);
    CHECK(told == missing.error());
  });
}
