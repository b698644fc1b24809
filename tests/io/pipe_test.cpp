// SPDX-License-Identifier: MIT
// Pipes, and the standard streams of a child whose numbers 0 and 1 are pipes.
#include "child.hpp"
#include "io_test.hpp"

#include <burrow/burrow.hpp>
#include <burrow/io.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

io::pipe_ends new_pipe() {
  result<io::pipe_ends> p = io::make_pipe();
  REQUIRE(p);
  return *p;
}

/// Reads once, and tells how that has ended.
task<> read_one(file from, chan<std::string> told) {
  std::array<char, 16> text{};
  const result<std::size_t> n = co_await from.read(text);
  co_await told.send(n ? std::string(text.data(), *n) : n.error().message());
}

task<> read_one_under(context, file from, chan<std::string> told) { co_await read_one(from, told); }

}  // namespace

TEST_CASE("a pipe carries what is written, also more than it holds, and then its end") {
  run_io([]() -> task<> {
    io::pipe_ends p = new_pipe();
    std::string sent(1'000'000, ' ');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i % 251);
    co_await scope([&](group& g) -> task<> {
      g.go(
          [](file to, const std::string& text) -> task<> {
            const result<void> written = co_await to.write_all(text);
            CHECK(written);
            CHECK(to.close());
          },
          p.writer, std::ref(sent));
      const result<std::string> got = co_await p.reader.read_all();
      CHECK((got.value() == sent));
    });
  });
}

TEST_CASE("a pipe has no position, no offsets and no length to set") {
  run_io([]() -> task<> {
    io::pipe_ends p = new_pipe();
    std::array<char, 4> four{};
    const result<std::size_t> at = co_await p.reader.read_at(four, 0);
    CHECK(at.error() == std::errc::invalid_seek);
    const result<void> write_at = co_await p.writer.write_at("x", 0);
    CHECK(write_at.error() == std::errc::invalid_seek);
    const result<std::int64_t> sought = co_await p.reader.seek(0);
    CHECK(sought.error() == std::errc::invalid_seek);
    const result<file_info> info = co_await p.reader.stat();
    CHECK(info->type == file_type::pipe);
  });
}

TEST_CASE("a Context ends a read and a write that wait at a pipe; the pipe goes on") {
  run_io([]() -> task<> {
    io::pipe_ends p = new_pipe();
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    auto told = make_chan<std::string>(1);
    go(read_one_under, ctx, p.reader, told);
    co_await until_quiet();
    cancel();
    const auto ended = co_await told.recv();
    CHECK(*ended == "context canceled");

    auto [limited, cancel_limited] = with_timeout(this_goroutine::context(), 20ms);
    const std::string large(1'000'000, 'x');
    const result<void> written = co_await p.writer.write_all(limited, large);
    CHECK(written.error() == errc::deadline_exceeded);
    std::array<char, 4> four{};
    const result<void> read = co_await p.reader.read_full(four);
    CHECK(read);
  });
}

TEST_CASE("close ends those who wait at either end; the other end sees it") {
  run_io([]() -> task<> {
    io::pipe_ends p = new_pipe();
    auto told = make_chan<std::string>(2);
    go(read_one, p.reader, told);
    go(read_one, p.reader, told);
    co_await until_quiet();
    CHECK(p.reader.close());
    for (int i = 0; i < 2; ++i) {
      const auto ended = co_await told.recv();
      CHECK(*ended == make_error_code(errc::not_open).message());
    }
    // The signal that comes with it would end this process.
    const result<void> written = co_await p.writer.write_all("x");
    CHECK(written.error() == std::errc::broken_pipe);
  });
}

TEST_CASE("a SIGPIPE that somebody else has sent stays pending where one comes from a write") {
  run_io([]() -> task<> {
    io::pipe_ends p = new_pipe();
    CHECK(p.reader.close());
    sigset_t mask;
    sigset_t before;
    sigset_t pending;
    sigemptyset(&mask);
    sigaddset(&mask, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &mask, &before);
    ::raise(SIGPIPE);
    // It does not wait, so this goroutine stays on its thread.
    const result<void> written = co_await p.writer.write_all("x");
    CHECK(written.error() == std::errc::broken_pipe);
    ::sigpending(&pending);
    CHECK(sigismember(&pending, SIGPIPE) == 1);
    const timespec at_once{};
    CHECK(::sigtimedwait(&mask, nullptr, &at_once) == SIGPIPE);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

TEST_CASE("a reader that nobody needs any more is unwound, and what it waited for stays sound") {
  run_io([]() -> task<> {
    io::pipe_ends p = new_pipe();
    auto told = make_chan<std::string>(1);
    go(read_one, p.reader, told);  // the end of the runtime finds it waiting
    co_await until_quiet();
  });
}

TEST_CASE("many goroutines at many pipes") {
  run_io([]() -> task<> {
    constexpr int pairs = 50;
    constexpr int rounds = 40;
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < pairs; ++i) {
        io::pipe_ends there = new_pipe();
        io::pipe_ends back = new_pipe();
        g.go(
            [](file from, file to) -> task<> {
              std::array<char, 8> text{};
              for (;;) {
                const result<std::size_t> n = co_await from.read(text);
                if (!n || *n == 0) break;
                const result<void> written = co_await to.write_all(bytes(text.data(), *n));
                CHECK(written);
              }
            },
            there.reader, back.writer);
        g.go(
            [](file to, file from) -> task<> {
              std::array<char, 8> text{};
              for (int round = 0; round < rounds; ++round) {
                const result<void> written = co_await to.write_all("12345678");
                const result<void> read = co_await from.read_full(text);
                CHECK(written);
                CHECK(read);
              }
              CHECK(to.close());
            },
            there.writer, back.reader);
      }
      co_return;
    });
  });
}

// --- what was lent -------------------------------------------------------------------------------

namespace {

/// Number 0 and number 1 of this process become the ends of two pipes; the others are returned.
std::array<int, 2> replace_streams() {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::pipe(in.data()) != 0 || ::pipe(out.data()) != 0) return {-1, -1};
  ::dup2(in[0], 0);
  ::dup2(out[1], 1);
  ::close(in[0]);
  ::close(out[1]);
  return {in[1], out[0]};
}

bool blocks(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

}  // namespace

TEST_CASE("standard streams: awaited like any pipe, and none of their flags is changed") {
  const child_end end = in_child([] {
    const std::array<int, 2> far = replace_streams();
    int wrong = 0;
    run_test(2, [&]() -> task<> {
      auto told = make_chan<std::string>(1);
      go(read_one, io::in(), told);
      co_await until_quiet();
      if (::write(far[0], "ping", 4) != 4) wrong |= 1;
      const auto said = co_await told.recv();
      if (*said != "ping") wrong |= 2;

      // More than the pipe holds: the other end is read by a thread.
      const std::string large(300'000, 'x');
      go(
          [](std::string text) -> task<> {
            const result<void> written = co_await io::out().write_all(text);
            if (!written) std::fprintf(stderr, "%s\n", written.error().message().c_str());
          },
          large);
      std::string got(large.size(), ' ');
      const std::size_t size = co_await blocking([&] {
        std::size_t n = 0;
        while (n < got.size()) {
          const ssize_t some = ::read(far[1], got.data() + n, got.size() - n);
          if (some <= 0) break;
          n += static_cast<std::size_t>(some);
        }
        return n;
      });
      if (size != large.size() || got != large) wrong |= 4;
      if (!blocks(0) || !blocks(1)) wrong |= 8;

      auto [ctx, cancel] = with_cancel(this_goroutine::context());
      go(read_one_under, ctx, io::in(), told);
      co_await until_quiet();
      cancel();
      const auto ended = co_await told.recv();
      if (*ended != "context canceled") wrong |= 16;
      ::close(far[0]);
      std::array<char, 4> four{};
      const result<std::size_t> last = co_await io::in().read(four);
      if (!last || *last != 0) wrong |= 32;
      ::close(far[1]);
      const result<void> broken = co_await io::out().write_all("x");
      if (broken.error() != std::errc::broken_pipe) wrong |= 64;
    });
    if (!blocks(0) || ::fcntl(0, F_GETFD) < 0) wrong |= 128;
    return wrong;
  });
  CHECK(end.status == 0);
  CHECK(end.said == "");
}

TEST_CASE("a standard stream that is a file shares its position with other processes") {
  const temporary_folder folder;
  const child_end end = in_child([&] {
    const int fd = ::open((folder / "out").c_str(), O_RDWR | O_CREAT, 0600);
    ::dup2(fd, 1);
    int wrong = 0;
    run_test(2, [&]() -> task<> {
      const result<void> one = co_await io::out().write_all("one ");
      if (::write(fd, "two ", 4) != 4) wrong |= 1;
      const result<void> three = co_await io::out().write_all("three");
      if (!one || !three) wrong |= 2;
    });
    std::array<char, 64> text{};
    const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
    if (std::string(text.data(), static_cast<std::size_t>(n)) != "one two three") wrong |= 4;
    return wrong;
  });
  CHECK(end.status == 0);
}

// --- readiness -----------------------------------------------------------------------------------

TEST_CASE("readable and writable are awaited: at once, or when it comes") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  run_io([&]() -> task<> {
    const result<io::watcher> reader = io::watch(ends[0]);
    const result<io::watcher> writer = io::watch(ends[1]);
    REQUIRE(reader);
    REQUIRE(writer);
    const result<void> has_room = co_await writer->writable();
    CHECK(has_room);
    for (int round = 0; round < 100; ++round) {
      auto done = make_chan<bool>(1);
      go(
          [](io::watcher w, chan<bool> told) -> task<> {
            const result<void> ready = co_await w.readable();
            co_await told.send(ready.has_value());
          },
          *reader, done);
      if (round % 2 == 0) co_await until_quiet();
      CHECK(::write(ends[1], "x", 1) == 1);
      const auto is_ready = co_await done.recv();
      CHECK(*is_ready);
      char c = 0;
      CHECK(::read(ends[0], &c, 1) == 1);
    }
    CHECK(blocks(ends[0]));
  });
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("readiness as a case of select; what has been read since is not ready any more") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  run_io([&]() -> task<> {
    const result<io::watcher> watched = io::watch(ends[0]);
    const io::watcher w = *watched;
    for (int round = 0; round < 20; ++round) {
      const int nothing = co_await select(w.readable(), otherwise);
      CHECK(nothing == 1);
      CHECK(::write(ends[1], "x", 1) == 1);
      const int something = co_await select(w.readable(), otherwise);
      CHECK(something == 0);
      char c = 0;
      CHECK(::read(ends[0], &c, 1) == 1);
      // What had come before may be told once more.
      int told = 0;
      while (co_await select(w.readable(), after(1ms)) == 0) ++told;
      CHECK(told <= 1);
    }
    // Two cases of one descriptor, one of them ready; and cases known at run time.
    const result<io::watcher> other_end = io::watch(ends[1]);
    const int which = co_await select(w.readable(), other_end->writable());
    CHECK(which == 1);
    std::vector<select_case> cases;
    cases.emplace_back(w.readable());
    cases.emplace_back(other_end->writable());
    const int dynamic = co_await select(cases);
    CHECK(dynamic == 1);
  });
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("the readiness of a file: a pipe's, and that of a regular one, which always is") {
  run_io([]() -> task<> {
    const io::pipe_ends p = io::make_pipe().value();
    file writer = p.writer;
    const int nothing = co_await select(p.reader.readable(), otherwise);
    CHECK(nothing == 1);
    const int room = co_await select(p.writer.writable(), after(1h));
    CHECK(room == 0);
    const result<void> written = co_await writer.write_all("x");
    CHECK(written);
    const int something = co_await select(p.reader.readable(), after(1h));
    CHECK(something == 0);
    const result<file> f = co_await file::open("/proc/self/exe");
    const result<void> always = co_await f->readable();
    CHECK(always);
    const result<void> of_nil = co_await file().readable();
    CHECK(of_nil.error() == errc::not_open);
  });
}

TEST_CASE("readiness watches the carried Context, and a close; a nil watcher is none") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  run_io([&]() -> task<> {
    const result<io::watcher> watched = io::watch(ends[0]);
    auto wait_under = [](context, io::watcher w, chan<std::error_code> told) -> task<> {
      const result<void> ready = co_await w.readable();
      co_await told.send(ready.error());
    };
    auto told = make_chan<std::error_code>(2);
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    go(wait_under, ctx, *watched, told);
    co_await until_quiet();
    cancel();
    const auto canceled = co_await told.recv();
    CHECK(*canceled == errc::canceled);
    go(wait_under, ctx, *watched, told);
    const auto at_once = co_await told.recv();
    CHECK(*at_once == errc::canceled);

    const result<void> named = co_await watched->readable(ctx);
    CHECK(named.error() == errc::canceled);
    const result<void> side = co_await watched->writable(ctx);
    CHECK(side.error() == errc::canceled);

    go(wait_under, background(), *watched, told);
    co_await until_quiet();
    io::watcher copy = *watched;
    CHECK(copy.close());
    const auto closed = co_await told.recv();
    CHECK(*closed == errc::not_open);
    CHECK(copy.close().error() == errc::not_open);
    const int as_case = co_await select(copy.readable(), after(1h));
    CHECK(as_case == 0);

    const io::watcher nil;
    const result<void> of_nil = co_await nil.readable();
    CHECK(of_nil.error() == errc::not_open);
    const int never = co_await select(nil.readable(), otherwise);
    CHECK(never == 1);
  });
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("what cannot be watched is refused; several may watch one descriptor") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const temporary_folder folder;
  run_io([&]() -> task<> {
    const result<io::watcher> bad = io::watch(-1);
    CHECK(bad.error() == std::errc::bad_file_descriptor);
    const int fd = ::open((folder / "a").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const result<io::watcher> regular = io::watch(fd);
    CHECK(regular.error() == std::errc::operation_not_permitted);
    ::close(fd);
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const result<io::watcher> watches_null = io::watch(null);
    const result<void> always = co_await watches_null->readable();
    CHECK(always);
    ::close(null);

    auto told = make_chan<bool>(3);
    for (int i = 0; i < 3; ++i) {
      go(
          [](io::watcher w, chan<bool> to) -> task<> {
            const result<void> ready = co_await w.readable();
            co_await to.send(ready.has_value());
          },
          *io::watch(ends[0]), told);
    }
    co_await until_quiet();
    CHECK(::write(ends[1], "x", 1) == 1);
    for (int i = 0; i < 3; ++i) {
      const auto ready = co_await told.recv();
      CHECK(*ready);
    }
  });
  ::close(ends[0]);
  ::close(ends[1]);
}
