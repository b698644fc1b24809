// SPDX-License-Identifier: MIT
#include <burrow/detail/file_access.hpp>
#include <burrow/detail/file_calls.hpp>
#include <burrow/files.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <vector>

namespace burrow::files {

namespace d = burrow::detail;

namespace {

/// A path that holds a zero would be cut off by the kernel.
bool is_path(const std::string& path) noexcept { return path.find('\0') == std::string::npos; }

std::error_code invalid() noexcept { return std::make_error_code(std::errc::invalid_argument); }

template <class F>
task<result<void>> call_with_path(const std::string& path, F call) {
  if (!is_path(path)) co_return invalid();
  const d::io_outcome outcome = co_await d::call_blocking(call);
  co_return outcome.error;
}

}  // namespace

// --- whole files ---------------------------------------------------------------------------------

task<result<std::string>> read_file(std::string path) {
  result<file> f = co_await file::open(std::move(path));
  if (!f) co_return f.error();
  co_return co_await f->read_all();
}
task<result<std::string>> read_file(context, std::string path) {
  co_return co_await read_file(std::move(path));
}

task<result<void>> write_file(std::string path, const_bytes from, unsigned permissions) {
  result<file> f = co_await file::open(std::move(path), O_WRONLY | O_CREAT | O_TRUNC, permissions);
  if (!f) co_return f.error();
  const result<void> written = co_await f->write_all(from);
  const result<void> closed = f->close();
  co_return written ? closed : written;
}
task<result<void>> write_file(context, std::string path, const_bytes from, unsigned permissions) {
  co_return co_await write_file(std::move(path), from, permissions);
}

// --- names ---------------------------------------------------------------------------------------

task<result<file_info>> stat(std::string path) {
  struct stat about{};
  const result<void> looked =
      co_await call_with_path(path, [&] { return ::stat(path.c_str(), &about); });
  if (!looked) co_return looked.error();
  co_return d::info_of(about);
}

task<result<file_info>> stat(context, std::string path) {
  co_return co_await stat(std::move(path));
}

task<result<void>> remove(std::string path) {
  co_return co_await call_with_path(path, [&] { return std::remove(path.c_str()); });
}

task<result<void>> remove(context, std::string path) { co_return co_await remove(std::move(path)); }

task<result<void>> rename(std::string from, std::string to) {
  if (!is_path(to)) co_return invalid();
  co_return co_await call_with_path(from, [&] { return ::rename(from.c_str(), to.c_str()); });
}

task<result<void>> rename(context, std::string from, std::string to) {
  co_return co_await rename(std::move(from), std::move(to));
}

task<result<void>> make_directory(std::string path, unsigned permissions) {
  co_return co_await call_with_path(path, [&] { return ::mkdir(path.c_str(), permissions); });
}

task<result<void>> make_directory(context, std::string path, unsigned permissions) {
  co_return co_await make_directory(std::move(path), permissions);
}

// --- directories ---------------------------------------------------------------------------------

namespace {

struct close_directory {
  void operator()(DIR* opened) const noexcept { ::closedir(opened); }
};

file_type type_of(const dirent& e) noexcept { return d::type_of_mode(DTTOIF(e.d_type)); }

}  // namespace

struct directory::state {
  std::unique_ptr<DIR, close_directory> opened;
  std::vector<directory_entry> read;  // the next one is the last
  bool has_ended = false;

  /// Reads some more, on a thread that may block. 0 or -1, as a system call.
  int read_more() {
    constexpr std::size_t at_once = 128;
    while (read.size() < at_once) {
      errno = 0;
      const dirent* const e = ::readdir(opened.get());
      if (e == nullptr) {
        has_ended = errno == 0;
        break;
      }
      const std::string name = e->d_name;
      if (name != "." && name != "..") read.push_back({name, type_of(*e)});
    }
    std::reverse(read.begin(), read.end());
    return has_ended || !read.empty() ? 0 : -1;
  }
};

task<result<directory>> directory::open(std::string path) {
  directory opened;
  opened.state_ = std::make_shared<state>();
  const auto call = [&] {
    opened.state_->opened.reset(::opendir(path.c_str()));
    return opened.state_->opened != nullptr ? 0 : -1;
  };
  const result<void> done = co_await call_with_path(path, call);
  if (!done) co_return done.error();
  co_return opened;
}
task<result<directory>> directory::open(context, std::string path) {
  co_return co_await open(std::move(path));
}

task<result<std::optional<directory_entry>>> directory::next() {
  const std::shared_ptr<state> s = state_;
  if (s == nullptr) co_return errc::not_open;
  if (s->read.empty() && !s->has_ended) {
    const d::io_outcome got = co_await d::call_blocking([&] { return s->read_more(); });
    if (got.error) co_return got.error;
  }
  if (s->read.empty()) co_return std::optional<directory_entry>();
  std::optional<directory_entry> entry(std::move(s->read.back()));
  s->read.pop_back();
  co_return entry;
}
task<result<std::optional<directory_entry>>> directory::next(context) { co_return co_await next(); }

// --- walking -------------------------------------------------------------------------------------

namespace {

using visitor = std::function<walk_step(const walk_entry&)>;

/// All the entries, in the order of their names.
task<result<std::vector<directory_entry>>> sorted_entries(std::string path) {
  std::vector<directory_entry> all;
  result<directory> opened = co_await directory::open(std::move(path));
  if (!opened) co_return opened.error();
  for (;;) {
    result<std::optional<directory_entry>> next = co_await opened->next();
    if (!next) co_return next.error();
    if (!next->has_value()) break;
    all.push_back(std::move(**next));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  co_return all;
}

std::string below(const std::string& path, const std::string& name) {
  return path.ends_with('/') ? path + name : path + "/" + name;
}

/// Of a symbolic link itself.
task<result<file_type>> type_of_path(std::string path) {
  struct stat about{};
  const result<void> looked =
      co_await call_with_path(path, [&] { return ::lstat(path.c_str(), &about); });
  if (!looked) co_return looked.error();
  co_return d::type_of_mode(about.st_mode);
}

/// Entered directories, and what is still to be visited in each: a tree may be deeper than the
/// memory of frames should grow.
struct level {
  std::string path;
  std::vector<directory_entry> rest;  // the next one is the last
};

struct walk_state {
  const visitor& visit;
  std::vector<level> levels;
  std::error_code error;  // of whoever stopped it

  /// What follows from an answer of `visit`. False: the walk ends.
  bool obey(walk_step step, bool is_directory) {
    if (step == walk_step::stop) return false;
    if (step == walk_step::skip && !is_directory && !levels.empty()) levels.back().rest.clear();
    return true;
  }
};

/// Visits a directory's path, and enters it. False: the walk ends.
task<bool> enter(walk_state& w, std::string path, file_type type) {
  const walk_step step = w.visit({path, type, {}});
  const bool is_directory = type == file_type::directory;
  if (!w.obey(step, is_directory)) co_return false;
  if (!is_directory || step == walk_step::skip) co_return true;
  result<std::vector<directory_entry>> entries = co_await sorted_entries(path);
  if (entries) {
    std::reverse(entries->begin(), entries->end());
    w.levels.push_back({std::move(path), std::move(*entries)});
    co_return true;
  }
  const std::error_code ended = this_goroutine::context().err();
  if (ended || w.visit({path, type, entries.error()}) == walk_step::stop) {
    w.error = ended ? ended : entries.error();
    co_return false;
  }
  co_return true;
}

}  // namespace

task<result<void>> walk(std::string root, std::function<walk_step(const walk_entry&)> visit) {
  walk_state w{visit, {}, {}};
  const result<file_type> type = co_await type_of_path(root);
  if (!type) {
    static_cast<void>(visit({root, file_type::unknown, type.error()}));
    co_return type.error();
  }
  bool goes_on = co_await enter(w, std::move(root), *type);
  while (goes_on && !w.levels.empty()) {
    level& top = w.levels.back();
    if (top.rest.empty()) {
      w.levels.pop_back();
      continue;
    }
    directory_entry next = std::move(top.rest.back());
    top.rest.pop_back();
    std::string path = below(top.path, next.name);
    if (next.type == file_type::unknown) {  // some file systems do not tell
      const result<file_type> found = co_await type_of_path(path);
      if (found) next.type = *found;
    }
    goes_on = co_await enter(w, std::move(path), next.type);
  }
  co_return w.error;
}
task<result<void>> walk(context, std::string root,
                        std::function<walk_step(const walk_entry&)> visit) {
  co_return co_await walk(std::move(root), std::move(visit));
}

}  // namespace burrow::files
