// SPDX-License-Identifier: MIT
//
// Looks for a text in files, and in all that is below folders, many at the same time. Ctrl-C stops
// it at once, and it says how far it came. The exit status is grep's: 0 if there was a match, 1 if
// not, 2 after an error; and 130 after Ctrl-C.
//
//     grep TEXT PATH...
//     grep                looks through a folder that it has made itself
#include <burrow/buffered_reader.hpp>
#include <burrow/burrow.hpp>
#include <burrow/files.hpp>
#include <burrow/io.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdlib.h>
#include <string>
#include <unistd.h>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

/// What all goroutines of a search share.
struct search_state {
  std::string text;
  bool has_bar = false;  // stderr is a terminal
  mutex streams;         // stdout and stderr: what belongs together stays together
  bool has_failed = false;
  std::atomic<long> found{0};  // files
  std::atomic<long> searched{0};
  std::atomic<long> matches{0};
};

task<> erase_bar() {
  auto erased = co_await io::err().write_all("\033[K");
  static_cast<void>(erased);  // where stderr is gone there is nobody to tell
}

task<> complain(search_state& s, std::string path, std::error_code error) {
  if (error == errc::canceled) co_return;  // Ctrl-C
  auto held = co_await s.streams.guard();
  s.has_failed = true;
  auto said = co_await io::err().write_all("grep: " + path + ": " + error.message() + "\n");
  static_cast<void>(said);
}

/// The lines of a file that have the text, each behind the path.
task<result<std::vector<std::string>>> lines_with(std::string text, std::string path) {
  auto f = co_await file::open(path);
  if (!f) co_return f.error();
  buffered_reader in(*f, 65'536);
  std::vector<std::string> lines;
  for (;;) {
    auto line = co_await in.read_line(1 << 20);
    if (!line) co_return line.error();
    if (!*line) co_return lines;
    if ((*line)->find(text) != std::string::npos) lines.push_back(path + ":" + **line + "\n");
  }
}

task<> search_file(search_state& s, std::string path) {
  auto lines = co_await lines_with(s.text, path);
  if (!lines) co_return co_await complain(s, path, lines.error());
  auto held = co_await s.streams.guard();
  const bool is_in_the_way = s.has_bar && !lines->empty();
  if (is_in_the_way) co_await erase_bar();
  for (const std::string& line : *lines) {
    auto written = co_await io::out().write_all(line);
    s.has_failed = s.has_failed || !written;
    if (!written) co_return;
    ++s.matches;
  }
  ++s.searched;
}

/// Walks through all paths. What is found beyond the limit waits in the group for its turn.
task<> search_all(search_state& s, std::vector<std::string> paths) {
  const context ctx = this_goroutine::context();
  co_await scope([&](group& files_at_once) -> task<> {
    files_at_once.limit(32);
    for (const std::string& root : paths) {
      auto walked = co_await files::walk(root, [&](const files::walk_entry& e) {
        // Links and the like are followed where they are named, as by grep -r.
        const bool is_named = e.path == root && e.type != file_type::directory;
        if (!e.error && (is_named || e.type == file_type::regular)) {
          ++s.found;
          files_at_once.go(search_file, std::ref(s), e.path);
        }
        return ctx.err() ? files::walk_step::stop : files::walk_step::go_on;
      });
      if (!walked) co_await complain(s, root, walked.error());
    }
    co_await files_at_once.wait();
  });
}

/// How far it is, for a terminal. For ever: until the search has ended.
task<> show_progress(search_state& s) {
  ticker t(100ms);
  for (;;) {
    co_await t.recv();
    auto held = co_await s.streams.guard();
    const std::string bar = std::to_string(s.searched) + " of " + std::to_string(s.found) +
                            " files, " + std::to_string(s.matches) + " matches";
    auto said = co_await io::err().write_all("\r" + bar + "\033[K\r");
    static_cast<void>(said);
  }
}

task<int> grep(std::string text, std::vector<std::string> paths) {
  auto [ctx, stop] = signal::notify_context(this_goroutine::context(), {SIGINT});
  search_state s;
  s.text = text;
  s.has_bar = ::isatty(STDERR_FILENO) == 1;
  if (s.has_bar) {
    co_await under(ctx, race(search_all(s, paths), show_progress(s)));
    co_await erase_bar();
  } else {
    co_await under(ctx, search_all(s, paths));
  }
  if (ctx.err()) {
    const std::string summary = "grep: stopped: " + std::to_string(s.searched) +
                                " files searched, " + std::to_string(s.matches) + " matches, " +
                                std::to_string(s.found - s.searched) + " files left\n";
    auto said = co_await io::err().write_all(summary);
    co_return said ? 130 : 2;
  }
  if (s.has_failed) co_return 2;
  co_return s.matches != 0 ? 0 : 1;
}

/// A folder with a few files.
task<> search_own() {
  std::string folder = (std::filesystem::temp_directory_path() / "grep-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  std::filesystem::current_path(folder);
  (co_await files::make_directory("notes")).value();
  (co_await files::write_file("notes/today", "buy milk\nfeed the hare\nsleep\n")).value();
  (co_await files::write_file("notes/later", "learn to dig")).value();
  (co_await files::write_file("hares", "")).value();
  for (std::string text : {"hare", "burrow"}) {
    const int status = co_await grep(text, {"."});
    auto said = co_await io::out().write_all(text + ": " + std::to_string(status) + "\n");
    said.value();
  }
  std::filesystem::current_path("/");
  std::filesystem::remove_all(folder);
}

task<int> start(std::vector<std::string> args) {
  if (args.empty()) {
    co_await search_own();
    co_return 0;
  }
  if (args.size() == 1) {
    std::fprintf(stderr, "usage: grep TEXT PATH...\n");
    co_return 2;
  }
  co_return co_await grep(args[0], std::vector<std::string>(args.begin() + 1, args.end()));
}

int main(int argc, char** argv) {
  return run(start, std::vector<std::string>(argv + 1, argv + argc));
}
