// SPDX-License-Identifier: MIT
// Files, with real ones in a folder of their own.
#include "io_test.hpp"

#include <burrow/burrow.hpp>
#include <burrow/file.hpp>
#include <burrow/files.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <vector>

using namespace burrow;

namespace {

bool is_errno(const std::error_code& error, int number) {
  return error == std::error_code(number, std::generic_category());
}

}  // namespace

TEST_CASE("what is written is read: at the position, all of it, and at an offset") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    result<file> f = co_await file::create(folder / "a");
    REQUIRE(f);
    const result<void> written = co_await f->write_all("hello, world");
    CHECK(written);
    const result<std::size_t> some = co_await f->write("!");
    CHECK(some.value() == 1);
    const result<std::int64_t> at = co_await f->seek(-6, seek_from::end);
    CHECK(at.value() == 7);
    std::array<char, 64> text{};
    const result<std::size_t> n = co_await f->read(text);
    REQUIRE(n.value() == 6);
    CHECK(std::string(text.data(), 6) == "world!");
    const result<std::size_t> end = co_await f->read(text);
    CHECK(end.value() == 0);
    const result<void> changed = co_await f->write_at("J", 0);
    CHECK(changed);
    const result<std::size_t> from = co_await f->read_at(text, 0);
    REQUIRE(from.value() == 13);
    CHECK(std::string(text.data(), 13) == "Jello, world!");
    const result<std::int64_t> unmoved = co_await f->seek(0, seek_from::position);
    CHECK(unmoved.value() == 13);
    const result<void> synced = co_await f->sync();
    CHECK(synced);
  });
}

TEST_CASE("read_full says when the file ends before; read_all takes what is left") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    const result<void> made = co_await files::write_file(folder / "a", "0123456789");
    REQUIRE(made);
    result<file> f = co_await file::open(folder / "a");
    std::array<char, 4> four{};
    const result<void> full = co_await f->read_full(four);
    CHECK(full);
    const result<std::string> rest = co_await f->read_all();
    CHECK(rest.value() == "456789");
    const result<std::int64_t> at = co_await f->seek(8);
    CHECK(at.value() == 8);
    const result<void> early = co_await f->read_full(four);
    CHECK(early.error() == errc::unexpected_eof);
    const result<std::string> proc = co_await files::read_file("/proc/self/status");
    CHECK(proc.value().starts_with("Name:"));  // a file that says it has no size
  });
}

TEST_CASE("what is larger than any buffer arrives as it was sent") {
  const temporary_folder folder;
  std::string large(3'000'000, ' ');
  for (std::size_t i = 0; i < large.size(); ++i)
    large[i] = static_cast<char>(i * 2654435761U >> 24);
  run_io([&]() -> task<> {
    const result<void> written = co_await files::write_file(folder / "a", large);
    CHECK(written);
    const result<std::string> read = co_await files::read_file(folder / "a");
    CHECK((read.value() == large));
    const result<file_info> info = co_await files::stat(folder / "a");
    CHECK(info->size == large.size());
  });
}

TEST_CASE("size, kind and permissions; truncate; O_APPEND, which has no offsets") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    result<file> f =
        co_await file::open(folder / "a", O_WRONLY | O_CREAT | O_APPEND | O_EXCL, 0600);
    REQUIRE(f);
    const result<void> one = co_await f->write_all("one");
    const result<void> two = co_await f->write_all("two");
    const result<void> refused = co_await f->write_at("x", 0);
    CHECK(one);
    CHECK(two);
    CHECK(refused.error() == std::errc::invalid_argument);
    const result<void> cut = co_await f->truncate(4);
    CHECK(cut);
    const result<file_info> info = co_await f->stat();
    CHECK(info->size == 4);
    CHECK(info->type == file_type::regular);
    CHECK(info->permissions == 0600);
    const result<file> again = co_await file::open(folder / "a", O_WRONLY | O_CREAT | O_EXCL);
    CHECK(is_errno(again.error(), EEXIST));
  });
}

TEST_CASE("readers of one position take turns: each byte goes to one of them") {
  const temporary_folder folder;
  constexpr int numbers = 2'000;
  run_io([&]() -> task<> {
    std::string text(numbers * 4, ' ');
    for (int i = 0; i < numbers; ++i)
      text.replace(static_cast<std::size_t>(i) * 4, 4, std::to_string(1'000 + i));
    const result<void> made = co_await files::write_file(folder / "a", text);
    REQUIRE(made);
    result<file> f = co_await file::open(folder / "a");
    auto found = make_chan<std::string>(numbers);
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 4; ++i) {
        g.go(
            [](file from, chan<std::string> to) -> task<> {
              std::array<char, 4> four{};
              for (;;) {
                const result<void> got = co_await from.read_full(four);
                if (!got) co_return;
                co_await to.send(std::string(four.data(), 4));
              }
            },
            *f, found);
      }
      co_return;
    });
    found.close();
    std::set<std::string> all;
    while (auto one = co_await found.recv()) all.insert(*one);
    CHECK(all.size() == numbers);
  });
}

TEST_CASE("what is missing, a directory, a path with a zero in it, a nil handle, a closed one") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    std::array<char, 4> four{};
    const result<file> missing = co_await file::open(folder / "none");
    CHECK(is_errno(missing.error(), ENOENT));
    const result<file> zero = co_await file::open(std::string("a\0b", 3));
    CHECK(zero.error() == std::errc::invalid_argument);
    const result<void> no_path = co_await files::remove(std::string("a\0b", 3));
    CHECK(no_path.error() == std::errc::invalid_argument);

    result<file> folder_itself = co_await file::open(folder.path());
    REQUIRE(folder_itself);
    const result<std::size_t> read = co_await folder_itself->read(four);
    CHECK(is_errno(read.error(), EISDIR));
    const result<file> to_write = co_await file::open(folder.path(), O_WRONLY);
    CHECK(is_errno(to_write.error(), EISDIR));
    const result<file> below_file = co_await file::create("/dev/null/a");
    CHECK(is_errno(below_file.error(), ENOTDIR));

    file nil;
    CHECK_FALSE(nil);
    const result<std::size_t> of_nil = co_await nil.read(four);
    CHECK(of_nil.error() == errc::not_open);
    const result<void> sync_of_nil = co_await nil.sync();
    CHECK(sync_of_nil.error() == errc::not_open);
    const result<file_info> stat_of_nil = co_await nil.stat();
    CHECK(stat_of_nil.error() == errc::not_open);
    CHECK(nil.close().error() == errc::not_open);
    CHECK(nil.native_handle() == -1);

    result<file> f = co_await file::create(folder / "a");
    file copy = *f;
    CHECK(f->close());
    CHECK(copy.close().error() == errc::not_open);
    const result<void> written = co_await copy.write_all("x");
    CHECK(written.error() == errc::not_open);
    const result<std::int64_t> sought = co_await copy.seek(0);
    CHECK(sought.error() == errc::not_open);
    const result<void> negative = co_await (*folder_itself).write_at("x", -5);
    CHECK(negative.error() == std::errc::invalid_argument);
  });
}

TEST_CASE("a file that was opened for reading is not written") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    const result<void> made = co_await files::write_file(folder / "a", "x");
    REQUIRE(made);
    result<file> f = co_await file::open(folder / "a");
    const result<void> written = co_await f->write_all("y");
    CHECK(is_errno(written.error(), EBADF));
  });
}

TEST_CASE("a full disk is ENOSPC, and a device that is always full too") {
  const temporary_folder folder;
  const std::string disk = folder / "disk";
  REQUIRE(::mkdir(disk.c_str(), 0700) == 0);
  const bool is_mounted = ::mount("none", disk.c_str(), "tmpfs", 0, "size=64k") == 0;
  if (!is_mounted) MESSAGE("no tmpfs can be mounted here: /dev/full alone");
  run_io([&]() -> task<> {
    result<file> full = co_await file::open("/dev/full", O_WRONLY);
    REQUIRE(full);
    const result<void> none = co_await full->write_all("x");
    CHECK(is_errno(none.error(), ENOSPC));
    if (!is_mounted) co_return;
    const std::string large(1 << 20, 'x');
    const result<void> written = co_await files::write_file(disk + "/a", large);
    CHECK(is_errno(written.error(), ENOSPC));
  });
  if (is_mounted) CHECK(::umount(disk.c_str()) == 0);
}

TEST_CASE("a Context that has ended refuses every operation; the one named first is the one") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    result<file> f = co_await file::create(folder / "a");
    REQUIRE(f);
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    const context live = this_goroutine::context();
    cancel();
    std::array<char, 4> four{};
    const result<file> opened = co_await file::open(ctx, folder / "a");
    CHECK(opened.error() == errc::canceled);
    const result<std::size_t> read = co_await f->read(ctx, four);
    CHECK(read.error() == errc::canceled);
    const result<void> written = co_await f->write_all(ctx, "x");
    CHECK(written.error() == errc::canceled);
    const result<void> at = co_await f->write_at(ctx, "x", 0);
    CHECK(at.error() == errc::canceled);
    const result<void> synced = co_await f->sync(ctx);
    CHECK(synced.error() == errc::canceled);
    const result<std::string> all = co_await files::read_file(ctx, folder / "a");
    CHECK(all.error() == errc::canceled);
    const result<std::int64_t> moved = co_await f->seek(ctx, 0);
    CHECK(moved.value_or(0) == 0);  // it asks nothing of the disk
    const result<file_info> about = co_await f->stat(ctx);
    CHECK(about.error() == errc::canceled);
    const result<std::uint64_t> length = co_await f->size(ctx);
    CHECK(length.error() == errc::canceled);
    const result<void> cut = co_await f->truncate(ctx, 7);
    CHECK(cut.error() == errc::canceled);
    const result<file_info> named = co_await files::stat(ctx, folder / "a");
    CHECK(named.error() == errc::canceled);
    const result<void> renamed = co_await files::rename(ctx, folder / "a", folder / "b");
    CHECK(renamed.error() == errc::canceled);
    const result<void> removed = co_await files::remove(ctx, folder / "a");
    CHECK(removed.error() == errc::canceled);
    const result<void> made = co_await files::make_directory(ctx, folder / "d");
    CHECK(made.error() == errc::canceled);
    const result<files::directory> listed = co_await files::directory::open(ctx, folder.path());
    CHECK(listed.error() == errc::canceled);

    const auto carried = [](file g, context other) -> task<> {
      const result<void> refused = co_await g.write_all("x");
      CHECK(refused.error() == errc::canceled);
      const result<void> went = co_await g.write_all(other, "y");
      CHECK(went);
    };
    co_await under(ctx, carried(*f, live));
    const result<std::uint64_t> size = co_await f->size();
    CHECK(size.value() == 1);
  });
}

TEST_CASE("to open a FIFO without another end waits, and its Context ends that wait") {
  const temporary_folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  run_io([&]() -> task<> {
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    co_await scope([&, ctx = ctx, cancel = cancel.trigger()](group& g) -> task<> {
      g.go(
          [](context c, std::string path) -> task<> {
            const result<file> opened = co_await file::open(c, path);
            CHECK(opened.error() == errc::canceled);
          },
          ctx, fifo);
      co_await until_quiet();
      cancel();
    });
    if (driver_takes_requests()) co_return;
    // The thread that still waits there gets what it wants, and what it opens is closed.
    const result<file> other = co_await file::open(fifo, O_RDWR);
    CHECK(other);
  });
}

TEST_CASE("files by their names: rename, make_directory, remove") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    const result<void> made = co_await files::make_directory(folder / "d", 0700);
    CHECK(made);
    const result<void> again = co_await files::make_directory(folder / "d");
    CHECK(is_errno(again.error(), EEXIST));
    const result<void> written = co_await files::write_file(folder / "d/a", "x");
    CHECK(written);
    const result<void> renamed = co_await files::rename(folder / "d/a", folder / "d/b");
    CHECK(renamed);
    const result<file_info> gone = co_await files::stat(folder / "d/a");
    CHECK(is_errno(gone.error(), ENOENT));
    const result<void> occupied = co_await files::remove(folder / "d");
    CHECK(is_errno(occupied.error(), ENOTEMPTY));
    const result<void> removed = co_await files::remove(folder / "d/b");
    const result<void> removed_too = co_await files::remove(folder / "d");
    CHECK(removed);
    CHECK(removed_too);
    const result<void> absent = co_await files::remove(folder / "d");
    CHECK(is_errno(absent.error(), ENOENT));
  });
}

TEST_CASE("what appends leaves the position at the end") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    result<file> f = co_await file::open(folder / "a", O_RDWR | O_CREAT | O_APPEND);
    REQUIRE(f);
    const result<void> one = co_await f->write_all("12345");
    const result<std::int64_t> at = co_await f->seek(1);
    const result<void> two = co_await f->write_all("678");
    CHECK(one);
    CHECK(two);
    CHECK(at.value() == 1);
    const result<std::int64_t> after = co_await f->seek(0, seek_from::position);
    CHECK(after.value() == 8);  // appending moves it to the end
  });
}
