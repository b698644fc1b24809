// SPDX-License-Identifier: MIT
// The interleaving of a failed execution, line by line, with the lines of the sources.
#include "explorer.hpp"

#include <cstdio>
#include <dlfcn.h>
#include <fstream>
#include <map>
#include <unistd.h>

namespace model {

namespace {

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    default: return "seq_cst";
  }
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// The line itself, without the space before it; empty where the file is not there.
std::string source_line(const place& where) {
  static std::map<std::string, std::vector<std::string>> files;
  auto [file, is_new] = files.try_emplace(where.file_name());
  if (is_new) {
    std::ifstream in(where.file_name());
    for (std::string line; std::getline(in, line);) file->second.push_back(line);
  }
  if (where.line() == 0 || where.line() > file->second.size()) return {};
  const std::string& line = file->second[where.line() - 1];
  const std::size_t begin = line.find_first_not_of(' ');
  return begin == std::string::npos ? std::string() : line.substr(begin);
}

std::string hex(std::uint64_t value) {
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), value < 10 ? "%llu" : "0x%llx",
                static_cast<unsigned long long>(value));
  return text.data();
}

std::string describe(const event& e) {
  const std::string object = "#" + std::to_string(e.object);
  const std::string order = std::string(" (") + name_of(e.order) + ")";
  const execution& run = execution::instance();
  switch (e.what) {
    case event::kind::load:
      return "load " + object + " = " + hex(e.before) + order +
             (e.back != 0 ? ", " + std::to_string(e.back) + " older than the newest" : "");
    case event::kind::store: return "store " + object + " := " + hex(e.after) + order;
    case event::kind::modify:
      return "change " + object + ": " + hex(e.before) + " -> " + hex(e.after) + order;
    case event::kind::compare_failed:
      return "compare " + object + " = " + hex(e.before) + ", as not expected" + order;
    case event::kind::wait: return "waits on " + object;
    case event::kind::notify: return "notifies " + object;
    case event::kind::started: return "starts " + run.thread_name(e.before);
    case event::kind::blocked: return "waits while " + object + " = " + hex(e.before);
    case event::kind::paused: return "pauses";
    case event::kind::ended: return "ends";
    case event::kind::joined: return "has joined all";
  }
  return {};
}

/// FILE:LINE of an instruction, from the debug information.
std::string line_of(const void* by) {
  if (by == nullptr) return "an atomic operation";
  Dl_info info{};
  if (::dladdr(by, &info) == 0) return "?";
  const auto offset = static_cast<const char*>(by) - static_cast<const char*>(info.dli_fbase) - 1;
  const std::string command = "addr2line -C -e /proc/" + std::to_string(::getpid()) + "/exe " +
                              hex(static_cast<std::uint64_t>(offset)) + " 2>&1";
  std::FILE* out = ::popen(command.c_str(), "r");
  if (out == nullptr) return "?";
  std::array<char, 512> text{};
  const std::size_t length = std::fread(text.data(), 1, text.size() - 1, out);
  ::pclose(out);
  std::string line(text.data(), length);
  return base_name(line.substr(0, line.find('\n')));
}

}  // namespace

void print_trace(const execution::outcome& failure) {
  const execution& run = execution::instance();
  int number = 0;
  for (const event& e : run.trace()) {
    const std::string at =
        e.where.line() == 0 ? std::string()
                            : base_name(e.where.file_name()) + ":" + std::to_string(e.where.line());
    std::printf("  %4d  %-10s %-22s %-52s %s\n", ++number, run.thread_name(e.thread).c_str(),
                at.c_str(), describe(e).c_str(), source_line(e.where).c_str());
  }
  std::printf("  then   %-10s %s\n", run.thread_name(run.current()).c_str(),
              failure.reason.c_str());
  if (failure.where.line() != 0) {
    std::printf("         at %s:%u\n", failure.where.file_name(), failure.where.line());
  }
  if (failure.by != nullptr || failure.other_by != nullptr) {
    std::printf("         this: %s\n         the other: %s\n", line_of(failure.by).c_str(),
                line_of(failure.other_by).c_str());
  }
}

}  // namespace model
