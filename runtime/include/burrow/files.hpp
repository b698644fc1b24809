// SPDX-License-Identifier: MIT
// What is done to files by their names, and directories.
//
// All of it is done on threads that may block, and waited for whatever the Context does meanwhile:
// each looks at the carried Context before it begins, those with a Context first at that one.
#pragma once

#include <burrow/file.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace burrow::files {

/// All that is in a file. Go: os.ReadFile.
task<result<std::string>> read_file(std::string path);
task<result<std::string>> read_file(context ctx, std::string path);
/// Makes the file, or replaces what is in it. After an error some of it may have been written. Go:
/// os.WriteFile.
task<result<void>> write_file(std::string path, const_bytes from, unsigned permissions = 0666);
task<result<void>> write_file(context ctx, std::string path, const_bytes from,
                              unsigned permissions = 0666);

/// Of what a symbolic link leads to. Go: os.Stat.
task<result<file_info>> stat(std::string path);
task<result<file_info>> stat(context ctx, std::string path);
/// Removes a file or an empty directory. Go: os.Remove.
task<result<void>> remove(std::string path);
task<result<void>> remove(context ctx, std::string path);
/// Replaces `to` if it is there. Go: os.Rename.
task<result<void>> rename(std::string from, std::string to);
task<result<void>> rename(context ctx, std::string from, std::string to);
/// Go: os.Mkdir.
task<result<void>> make_directory(std::string path, unsigned permissions = 0777);
task<result<void>> make_directory(context ctx, std::string path, unsigned permissions = 0777);

/// What a directory has of one name.
struct directory_entry {
  std::string name;
  file_type type = file_type::unknown;  // of a symbolic link itself
};

/// Gives the entries of a directory, without "." and "..", in the order of the disk: a handle,
/// copied like a pointer; copies go on from the same place. One goroutine at a time. Go:
/// os.File.ReadDir.
class directory {
 public:
  directory() noexcept = default;
  /// Opens one. std::errc::not_a_directory.
  static task<result<directory>> open(std::string path);
  static task<result<directory>> open(context ctx, std::string path);

  explicit operator bool() const noexcept { return state_ != nullptr; }

  /// The next entry; nullopt: there are no more. A nil handle: errc::not_open.
  task<result<std::optional<directory_entry>>> next();
  task<result<std::optional<directory_entry>>> next(context ctx);

 private:
  struct state;
  std::shared_ptr<state> state_;
};

/// What walk() does next.
enum class walk_step {
  go_on,
  skip,  // does not enter this directory; of anything else: the rest of the directory that it is in
  stop,
};

/// What walk() has come to.
struct walk_entry {
  std::string path;
  file_type type = file_type::unknown;
  std::error_code error;  // why the directory could not be read, or the root not be looked at
};

/// Calls `visit` for `root` and all that is below it: a directory before what is in it, names in
/// their order as bytes. Symbolic links are not followed. A directory that cannot be read is
/// visited a second time, with the error; unless that answers `stop` the walk goes on behind it.
/// The error of the walk is that one, or the Context's. Go: filepath.WalkDir.
task<result<void>> walk(std::string root, std::function<walk_step(const walk_entry&)> visit);
task<result<void>> walk(context ctx, std::string root,
                        std::function<walk_step(const walk_entry&)> visit);

}  // namespace burrow::files
