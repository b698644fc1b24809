// SPDX-License-Identifier: MIT
//
// Files that are in memory already: eight goroutines read 64 files of 64 KiB, each opened, read
// whole and closed.
#include "harness.hpp"

#include <burrow/files.hpp>

#include <cstdlib>
#include <filesystem>

using namespace burrow;

namespace bench {
namespace {

constexpr std::size_t size = 64 * 1024;
constexpr int count = 64;
constexpr int readers = 8;
constexpr int rounds = 40;

std::string path_of(const std::string& folder, int i) { return folder + "/" + std::to_string(i); }

task<> read_share(std::string folder, int first) {
  for (int round = 0; round < rounds; ++round) {
    for (int i = first; i < count; i += readers) {
      const auto text = co_await files::read_file(path_of(folder, i));
      check(text.has_value() && text->size() == size, "a file is read whole");
    }
  }
}

task<double> microseconds_a_file(const std::string& folder) {
  stopwatch watch;
  co_await scope([&](group& g) -> task<> {
    for (int first = 0; first < readers; ++first) g.go(read_share, folder, first);
    co_return;
  });
  co_return watch.us() / (rounds * count);
}

}  // namespace

task<> file_reads() {
  std::string folder = (std::filesystem::temp_directory_path() / "burrow-bench-XXXXXX").string();
  check(::mkdtemp(folder.data()) != nullptr, "a folder for the files");
  const std::string text(size, 'x');
  for (int i = 0; i < count; ++i) {
    const auto written = co_await files::write_file(path_of(folder, i), text);
    check(written.has_value(), "the files are written");
  }
  co_await repeat("file_read_64KiB", "us/file", [&] { return microseconds_a_file(folder); });
  std::filesystem::remove_all(folder);
}

}  // namespace bench
