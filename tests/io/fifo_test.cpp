// SPDX-License-Identifier: MIT
// FIFOs: whoever opens one end waits for the other, and holds nothing meanwhile.
#include "io_test.hpp"

#include <burrow/burrow.hpp>
#include <burrow/file.hpp>
#include <burrow/files.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace burrow;

namespace {

std::string make_fifo(const temporary_folder& folder) {
  std::string path = folder / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  return path;
}

/// Opens it that way under a Context that ends: the error.
task<> open_and_give_up(context ctx, std::string path, int flags) {
  const result<file> opened = co_await file::open(ctx, path, flags);
  CHECK(opened.error() == errc::canceled);
}

}  // namespace

TEST_CASE("a thousand goroutines that gave up opening a FIFO hold no thread, and take nothing") {
  const temporary_folder folder;
  const std::string path = make_fifo(folder);
  run_io([&]() -> task<> {
    for (const int flags : {O_RDONLY, O_WRONLY}) {
      const auto [ctx, cancel] = with_cancel(this_goroutine::context());
      co_await scope([&, ctx = ctx, cancel = cancel.trigger()](group& g) -> task<> {
        for (int i = 0; i < 1000; ++i) g.go(open_and_give_up, ctx, path, flags);
        co_await this_goroutine::yield();
        cancel();
      });
    }
    const result<file_info> about = co_await files::stat(path);
    CHECK(about->type == file_type::pipe);
    // Nobody is left who would pair with these two.
    co_await scope([&](group& g) -> task<> {
      g.go([&path]() -> task<> {
        const result<void> written = co_await files::write_file(path, "all of it");
        CHECK(written);
      });
      const result<std::string> read = co_await files::read_file(path);
      CHECK(read.value() == "all of it");
    });
  });
}

TEST_CASE("two programs that open two FIFOs in turns meet at each") {
  const temporary_folder folder;
  const std::string there = make_fifo(folder);
  const std::string back = folder / "back";
  REQUIRE(::mkfifo(back.c_str(), 0600) == 0);
  // As another process would: it opens the second one when the first is open, before it writes.
  std::thread other([&] {
    const int out = ::open(there.c_str(), O_WRONLY);
    const int in = ::open(back.c_str(), O_RDONLY);
    std::array<char, 5> got{};
    CHECK(::write(out, "hello", 5) == 5);
    CHECK(::read(in, got.data(), got.size()) == 5);
    CHECK(std::string(got.data(), 5) == "world");
    ::close(out);
    ::close(in);
  });
  run_io([&]() -> task<> {
    const result<file> in = co_await file::open(there);
    const result<file> out = co_await file::open(back, O_WRONLY);
    REQUIRE(in);
    REQUIRE(out);
    CHECK((::fcntl(in->native_handle(), F_GETFL) & O_NONBLOCK) == 0);
    file reader = *in;
    file writer = *out;
    const result<void> written = co_await writer.write_all("world");
    CHECK(written);
    const result<std::string> read = co_await reader.read_all();
    CHECK(read.value() == "hello");
  });
  other.join();
}

TEST_CASE("a writer that has come and gone before anybody has looked is one that was there") {
  const temporary_folder folder;
  const std::string path = make_fifo(folder);
  run_io([&]() -> task<> {
    co_await scope([&](group& g) -> task<> {
      g.go([&path]() -> task<> {
        const result<file> opened = co_await file::open(path, O_WRONLY);
        CHECK(opened);
      });
      const result<std::string> read = co_await files::read_file(path);
      CHECK(read.value().empty());
    });
  });
}

TEST_CASE("the end of the runtime finds goroutines that open FIFOs, and does not wait for them") {
  const temporary_folder folder;
  const std::string path = make_fifo(folder);
  const std::string other = folder / "other";
  REQUIRE(::mkfifo(other.c_str(), 0600) == 0);
  const auto open_one = [](std::string fifo, int flags) -> task<> {
    const result<file> opened = co_await file::open(fifo, flags);
    CHECK_FALSE(opened);
  };
  run_io([&]() -> task<> {
    go(open_one, path, O_RDONLY);
    go(open_one, other, O_WRONLY);
    co_await this_goroutine::yield();
  });
}

TEST_CASE("with O_NONBLOCK a FIFO is opened at once, or refused, as the kernel does") {
  const temporary_folder folder;
  const std::string path = make_fifo(folder);
  run_io([&]() -> task<> {
    const result<file> writer = co_await file::open(path, O_WRONLY | O_NONBLOCK);
    CHECK(writer.error() == std::error_code(ENXIO, std::generic_category()));
    const result<file> reader = co_await file::open(path, O_RDONLY | O_NONBLOCK);
    CHECK(reader);
    const result<file> both = co_await file::open(path, O_RDWR);
    CHECK(both);
  });
}

TEST_CASE("a file on which another process has a lease is opened once that lets go") {
  const temporary_folder folder;
  const std::string path = folder / "leased";
  // The kernel tells the holder by a signal; here it is a thread of this process.
  const int holder = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(holder >= 0);
  sigset_t told;
  sigemptyset(&told);
  sigaddset(&told, SIGIO);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &told, nullptr) == 0);
  REQUIRE(::fcntl(holder, F_SETLEASE, F_WRLCK) == 0);
  std::thread other([&] {
    int number = 0;
    ::sigwait(&told, &number);
    ::fcntl(holder, F_SETLEASE, F_UNLCK);
  });
  run_io([&]() -> task<> {
    const result<file> opened = co_await file::open(path);
    CHECK(opened);
  });
  other.join();
  ::close(holder);
}
