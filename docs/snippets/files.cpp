// SPDX-License-Identifier: MIT
// Chapter 12 of the guide: files, pipes, processes, signals.
#include <burrow/buffered_reader.hpp>
#include <burrow/burrow.hpp>
#include <burrow/files.hpp>
#include <burrow/io.hpp>
#include <burrow/process.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace burrow;
using namespace std::chrono_literals;

// [count_lines]
task<result<int>> count_lines(std::string path, std::string word) {
  result<file> f = co_await file::open(path);  // Go: f, err := os.Open(path)
  if (!f) co_return f.error();
  buffered_reader in(*f);
  for (int n = 0;;) {
    auto line = co_await in.read_line();
    if (!line) co_return line.error();
    if (!*line) co_return n;  // the end
    if ((*line)->find(word) != std::string::npos) ++n;
  }
}  // the last handle closes
// [/count_lines]

// [whole_files]
task<result<void>> shout(std::string path) {
  result<std::string> text = co_await files::read_file(path);
  if (!text) co_return text.error();
  for (char& c : *text) c = c == '.' ? '!' : c;
  // Whoever reads `path` meanwhile finds the old text or the new one.
  auto written = co_await files::write_file(path + ".new", *text);
  if (!written) co_return written.error();
  co_return co_await files::rename(path + ".new", path);
}
// [/whole_files]

// [walk]
task<result<int>> count_sources(std::string root) {
  int n = 0;
  auto walked = co_await files::walk(root, [&n](const files::walk_entry& e) {
    if (e.path.ends_with("/.git")) return files::walk_step::skip;
    if (e.type == file_type::regular && e.path.ends_with(".cpp")) ++n;
    return files::walk_step::go_on;
  });
  if (!walked) co_return walked.error();
  co_return n;
}
// [/walk]

// [copy]
/// copy(io::in(), io::out()) is cat. Go: io.Copy(os.Stdout, os.Stdin).
task<result<void>> copy(file from, file to) {
  std::array<char, 65'536> buffer;
  for (;;) {
    result<std::size_t> n = co_await from.read(buffer);
    if (!n) co_return n.error();
    if (*n == 0) co_return {};  // the end
    auto written = co_await to.write_all(const_bytes(buffer.data(), *n));
    if (!written) co_return written.error();
  }
}
// [/copy]

task<> through_a_pipe(std::string path) {
  auto [reader, writer] = io::make_pipe().value();
  go([path, writer = writer]() mutable -> task<> {
    auto from = co_await file::open(path);
    auto copied = co_await copy(from.value(), writer);
    copied.value();
    writer.close().value();  // the reader comes to the end
  });
  auto text = co_await reader.read_all();
  std::printf("%s", text.value().c_str());
}

// [watch]
/// Waits for a descriptor that some library gave: until it may be read, or for a second.
task<bool> is_readable(int fd) {
  io::watcher w = io::watch(fd).value();
  co_return co_await select(w.readable(), after(1s)) == 0;
}
// [/watch]

// [process]
task<result<std::string>> output_of(std::vector<std::string> command) {
  process::options how;
  how.output = process::stream_kind::pipe;
  auto p = co_await process::start(command, how);  // Go: exec.CommandContext(ctx, ...)
  if (!p) co_return p.error();
  auto text = co_await p->output().read_all();
  if (!text) co_return text.error();
  auto status = co_await p->wait();
  if (!status) co_return status.error();
  if (!status->success()) throw std::runtime_error(command[0] + ": " + to_string(*status));
  co_return *text;
}
// [/process]

// [process_end]
task<> gives_it_a_moment() {
  auto [ctx, cancel] = with_timeout(background(), 20ms);
  process::options how;
  how.grace = 5s;  // SIGTERM when the Context ends, SIGKILL five seconds later
  auto p = co_await process::start(ctx, {"sleep", "60"}, how);
  result<process::exit_status> status;
  co_await select(p.value().wait(status));
  std::printf("%s\n", to_string(status.value()).c_str());  // "signal: terminated"
}
// [/process_end]

// [signal_channel]
task<> reloads(context ctx, std::string path) {
  auto hangup = make_chan<int>(1);  // room for one: to read the settings once is enough
  signal::notify(hangup, {SIGHUP});
  do {
    auto settings = co_await files::read_file(path);
    std::printf("%s", settings.value_or("no settings\n").c_str());
  } while (co_await select(hangup.recv(), ctx.done()) == 0);
  signal::stop(hangup);
}
// [/signal_channel]

task<> start() {
  (co_await files::write_file("main.cpp", "a hare. a burrow.\nthe end.\n")).value();
  (co_await shout("main.cpp")).value();
  const int lines = (co_await count_lines("main.cpp", "hare")).value();
  const int sources = (co_await count_sources(".")).value();
  std::printf("%d line, %d source\n", lines, sources);
  co_await through_a_pipe("main.cpp");

  const int fd = ::eventfd(1, EFD_CLOEXEC);
  const bool is_set = co_await is_readable(fd);
  ::close(fd);
  const std::string said = (co_await output_of({"echo", "hello"})).value();
  std::printf("%s, %s", is_set ? "ready" : "not ready", said.c_str());
  co_await gives_it_a_moment();

  auto [ctx, cancel] = with_timeout(background(), 50ms);
  co_await reloads(ctx, "main.cpp");
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "burrow-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  std::filesystem::current_path(folder);
  const int status = run(start);
  std::filesystem::current_path("/");
  std::filesystem::remove_all(folder);
  return status;
}
