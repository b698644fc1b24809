// SPDX-License-Identifier: MIT
// Files, pipes and processes where the machine does not play along: limits, and signals that
// interrupt every call.
#include "io_test.hpp"

#include <burrow/burrow.hpp>
#include <burrow/files.hpp>
#include <burrow/io.hpp>
#include <burrow/process.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace burrow;

namespace {

/// A limit of this process, until the end of a block.
class tight_limit {
 public:
  tight_limit(__rlimit_resource what, rlim_t most) : what_(what) {
    ::getrlimit(what_, &before_);
    rlimit tight = before_;
    tight.rlim_cur = most;
    ::setrlimit(what_, &tight);
  }
  tight_limit(const tight_limit&) = delete;
  tight_limit& operator=(const tight_limit&) = delete;
  ~tight_limit() { ::setrlimit(what_, &before_); }

 private:
  __rlimit_resource what_;
  rlimit before_{};
};

/// The next number that the kernel would give.
rlim_t next_number() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(fd);
  return static_cast<rlim_t>(fd);
}

bool is_errno(std::error_code error, int number) {
  return error == std::error_code(number, std::system_category()) ||
         error == std::error_code(number, std::generic_category());
}

/// Interrupts every thread of this process, again and again: calls that wait fail with EINTR.
class interruptions {
 public:
  interruptions() {
    struct sigaction action{};
    action.sa_handler = [](int) { times.fetch_add(1); };
    ::sigaction(SIGUSR1, &action, &before_);  // without SA_RESTART
    times = 0;
    thread_ = std::thread([this] { run(); });
  }
  interruptions(const interruptions&) = delete;
  interruptions& operator=(const interruptions&) = delete;
  ~interruptions() {
    is_over_ = true;
    thread_.join();
    std::signal(SIGUSR1, SIG_IGN);  // takes away those that are still on their way
    ::sigaction(SIGUSR1, &before_, nullptr);
  }
  static inline std::atomic<long> times{0};

 private:
  void run() const {
    const pid_t own = ::gettid();
    while (!is_over_) {
      std::error_code gone;  // threads come and go
      for (const auto& e : std::filesystem::directory_iterator("/proc/self/task", gone)) {
        const pid_t thread = std::stoi(e.path().filename());
        if (thread != own) ::syscall(SYS_tgkill, ::getpid(), thread, SIGUSR1);
      }
      std::this_thread::yield();
    }
  }

  struct sigaction before_{};
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

std::string text_of(std::size_t size) {
  std::string text;
  text.reserve(size);
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>('a' + i % 23));
  return text;
}

}  // namespace

TEST_CASE("a file that may not grow: what fits is written, then the error; the position is there") {
  constexpr rlim_t most = 65'536;
  const temporary_folder folder;
  signal::ignore({SIGXFSZ});
  run_io([&]() -> task<> {
    result<file> f = co_await file::create(folder / "a");
    REQUIRE(f);
    {
      const tight_limit limit(RLIMIT_FSIZE, most);
      const std::string text = text_of(100'000);
      const result<void> written = co_await f->write_all(text);
      CHECK(is_errno(written.error(), EFBIG));
    }
    const result<std::int64_t> at = co_await f->seek(0, seek_from::position);
    CHECK(at.value() == most);
    const result<void> more = co_await f->write_all("end");
    CHECK(more);
    const result<std::string> all = co_await files::read_file(folder / "a");
    CHECK((all.value() == text_of(most) + "end"));
  });
  signal::reset({SIGXFSZ});
}

TEST_CASE("without numbers nothing can be opened or started, and nothing is left behind") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    const result<void> made = co_await files::write_file(folder / "a", "text");
    CHECK(made);
    const auto pipe = io::make_pipe();
    REQUIRE(pipe);
    {
      const tight_limit limit(RLIMIT_NOFILE, next_number());
      const result<file> opened = co_await file::open(folder / "a");
      CHECK(is_errno(opened.error(), EMFILE));
      const result<std::string> read = co_await files::read_file(folder / "a");
      CHECK(is_errno(read.error(), EMFILE));
      const result<files::directory> listed = co_await files::directory::open(folder.path());
      CHECK(is_errno(listed.error(), EMFILE));
      CHECK(is_errno(io::make_pipe().error(), EMFILE));
      CHECK(is_errno(io::watch(pipe->reader.native_handle()).error(), EMFILE));
      for (const process::stream_kind kind :
           {process::stream_kind::inherited, process::stream_kind::pipe}) {
        process::options how;
        how.output = kind;
        const result<process::child> c = co_await process::start({"sleep", "60"}, how);
        CHECK(is_errno(c.error(), EMFILE));
      }
    }
    const result<std::string> read = co_await files::read_file(folder / "a");
    CHECK(read.value() == "text");
  });
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child, and no zombie
}

TEST_CASE("signals that interrupt every call are not seen in any result") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    const interruptions often;  // ends first: it opens something itself
    const std::string text = text_of(1'000'000);
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 4; ++i) {
        g.go([&, i]() -> task<> {
          const std::string path = folder / std::to_string(i).c_str();
          const result<void> written = co_await files::write_file(path, text);
          CHECK(written);
          const result<std::string> read = co_await files::read_file(path);
          CHECK((read.value() == text));
          auto [reader, writer] = io::make_pipe().value();
          co_await all(
              [](file to, const std::string& what) -> task<> {
                const result<void> sent = co_await to.write_all(what);
                CHECK(sent);
                CHECK(to.close());
              }(writer, text),
              [](file from, const std::string& what) -> task<> {
                const result<std::string> got = co_await from.read_all();
                CHECK((got.value() == what));
              }(reader, text));
          const result<process::child> c = co_await process::start({"true"});
          REQUIRE(c);
          process::child p = *c;
          const result<process::exit_status> status = co_await p.wait();
          CHECK(status->success());
        });
      }
      co_return;
    });
    int seen = 0;
    const result<void> walked =
        co_await files::walk(folder.path(), [&seen](const files::walk_entry& e) {
          seen += e.error ? 0 : 1;
          return files::walk_step::go_on;
        });
    CHECK(walked);
    CHECK(seen == 5);
  });
  CHECK(interruptions::times > 0);
}

TEST_CASE("a goroutine that the end of the runtime ends may write a file first, shielded") {
  const temporary_folder folder;
  run_io([&]() -> task<> {
    go([&folder]() -> task<> {
      bool is_ending = false;
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
        is_ending = true;
      }
      REQUIRE(is_ending);
      const auto written =
          co_await under(without_cancel(background()), files::write_file(folder / "last", "words"));
      CHECK(written);
    });
    co_await until_quiet();
  });
  run_io([&]() -> task<> {
    const result<std::string> read = co_await files::read_file(folder / "last");
    CHECK(read.value() == "words");
  });
}

TEST_CASE("a shielded goroutine that opens a file while the runtime ends gets it") {
  const temporary_folder folder;
  bool is_done = false;
  run_test(1, [&]() -> task<> {
    go([&]() -> task<> {
      const auto written =
          co_await under(without_cancel(background()), files::write_file(folder / "last", "words"));
      is_done = written.has_value();
    });
    co_await this_goroutine::yield();  // it has asked, and what is to open has not begun
  });
  CHECK(is_done);
}
