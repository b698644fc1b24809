// SPDX-License-Identifier: MIT
// What happens when there is no memory, see exhaust.hpp: I/O. No descriptor stays open either.
#include "exhaust.hpp"

#include <burrow/buffered_reader.hpp>
#include <burrow/files.hpp>
#include <burrow/io.hpp>
#include <burrow/net.hpp>
#include <burrow/process.hpp>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// A folder of this process, empty.
std::string new_folder() {
  std::string name = std::filesystem::temp_directory_path() / "burrow-no-memory-XXXXXX";
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  return name;
}

task<> echo_lines(net::listener l) {
  net::stream s = value_of(co_await l.accept());
  buffered_reader<net::stream> lines(s);
  while (const auto line = value_of(co_await lines.read_line())) {
    value_of(co_await s.write_all(*line + "\n"));
  }
}

task<> talk(net::address to) {
  net::stream s = value_of(co_await net::dial(to));
  std::array<char, 6> answer;
  for (int i = 0; i < 3; ++i) {
    value_of(co_await s.write_all("hello\n"));
    value_of(s.set_read_deadline(std::chrono::steady_clock::now() + 1h));
    value_of(co_await s.read_full(answer));
    expect(std::string_view(answer.data(), answer.size()) == "hello\n");
  }
  value_of(s.shutdown(net::direction::writing));
  expect(value_of(co_await s.read_all()).empty());
}

}  // namespace

TEST_CASE("no memory: streams") {
  const std::string folder = new_folder();
  const std::string path = folder + "/a socket whose path is too long for a small string";
  // The same test may run on the other driver at this moment.
  const std::string abstract = "@no-mem-" + std::to_string(::getpid());
  for (const std::string& where : {std::string("127.0.0.1:0"), abstract, path}) {
    CAPTURE(where);
    exhaust([&where](in_vain&) -> task<> {
      const char* const network = where.starts_with("127") ? "tcp" : "unix";
      net::listener l = value_of(co_await net::listen(network, where));
      co_await scope([&l](group& g) -> task<> {
        g.go(echo_lines, l);
        g.go(talk, l.local_address());
        co_await g.wait();
      });
      value_of(l.close());
    });
    CHECK_FALSE(std::filesystem::exists(path));
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("no memory: a name of several addresses") {
  exhaust([](in_vain&) -> task<> {
    const net::listener l = value_of(co_await net::listen("tcp", "127.0.0.1:0"));
    const std::string where = "localhost:" + std::to_string(l.local_address().port());
    static_cast<void>(value_of(co_await net::dial("tcp", where)));
  });
}

TEST_CASE("no memory: accept and readiness as cases of select") {
  exhaust([](in_vain&) -> task<> {
    net::listener l = value_of(co_await net::listen("tcp", "127.0.0.1:0"));
    net::stream client = value_of(co_await net::dial(l.local_address()));
    result<net::stream> accepted;
    expect(co_await select(after(1h), l.accept(accepted)) == 1);
    net::stream server = value_of(std::move(accepted));
    value_of(co_await client.write_all("x"));
    expect(co_await select(after(1h), server.readable()) == 1);
  });
}

TEST_CASE("no memory: what waits when main returns") {
  exhaust([](in_vain&) -> task<> {
    net::listener l = value_of(co_await net::listen("tcp", "127.0.0.1:0"));
    go([](net::listener from) -> task<> { static_cast<void>(co_await from.accept()); }, l);
    net::stream client = value_of(co_await net::dial(l.local_address()));
    go([](net::stream s) -> task<> { static_cast<void>(co_await s.read_all()); }, client);
    go([](net::stream s) -> task<> { static_cast<void>(co_await s.receive()); }, client);
    co_await sleep(1us);
  });
}

TEST_CASE("no memory: packets, and names") {
  exhaust([](in_vain&) -> task<> {
    auto one = value_of(co_await net::listen_packet("udp", "127.0.0.1:0"));
    auto other = value_of(co_await net::dial_packet("udp", to_string(one.local_address())));
    value_of(co_await other.send("ping"));
    std::array<char, 8> buffer;
    const auto got = value_of(co_await one.receive_from(buffer));
    expect(got.size == 4);
    value_of(co_await one.send_to("pong", got.from));
    const auto all = value_of(co_await net::resolve("localhost", "80"));
    expect(!all.empty());
  });
}

TEST_CASE("no memory: files and folders") {
  const std::string folder = new_folder();
  exhaust([&folder](in_vain&) -> task<> {
    const std::string name = folder + "/a";
    file f = value_of(co_await file::create(name));
    value_of(co_await f.write_all("one two"));
    value_of(co_await f.write_at("ONE", 0));
    std::array<char, 3> piece;
    expect(value_of(co_await f.read_at(piece, 4)) == 3);
    value_of(co_await f.sync());
    value_of(f.close());
    expect(value_of(co_await files::read_file(name)) == "ONE two");
    int entries = 0;
    value_of(co_await files::walk(folder, [&entries](const files::walk_entry&) {
      ++entries;
      return files::walk_step::go_on;
    }));
    expect(entries == 2);
  });
  std::filesystem::remove_all(folder);
}

TEST_CASE("no memory: pipes and processes") {
  exhaust([](in_vain&) -> task<> {
    io::pipe_ends ends = value_of(io::make_pipe());
    value_of(co_await ends.writer.write_all("through"));
    value_of(ends.writer.close());
    expect(value_of(co_await ends.reader.read_all()) == "through");
    process::options how;
    how.output = process::stream_kind::pipe;
    process::child p = value_of(co_await process::start({"echo", "done"}, how));
    expect(value_of(co_await p.output().read_all()) == "done\n");
    expect(value_of(co_await p.wait()).success());
  });
}
