// SPDX-License-Identifier: MIT
// What tests of files, pipes and processes share: a folder for one case, and a count of what is
// open.
#pragma once

#include "open_descriptors.hpp"
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <utility>

/// An empty folder, removed at the end with all that is in it.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "burrow-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path_); }

  const std::string& path() const noexcept { return path_; }
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// As run_test() with two workers; and afterwards nothing more is open than before.
template <class F>
void run_io(F main) {
  const int before = open_descriptors();
  run_test(2, std::move(main));
  CHECK(open_descriptors() == before);
}

/// Runs on the driver that does not make requests, or does.
inline bool driver_takes_requests() {
  return burrow::detail::current_worker()->io().takes_requests();
}
