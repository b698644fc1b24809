// SPDX-License-Identifier: MIT
// What tests of a runtime's start change for a while: an environment variable.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

/// Sets an environment variable, or removes it (nullptr), and puts it back at the end.
class with_environment {
 public:
  with_environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  with_environment(const with_environment&) = delete;
  with_environment& operator=(const with_environment&) = delete;
  ~with_environment() { set(before_ ? before_->c_str() : nullptr); }

 private:
  void set(const char* value) {
    if (value != nullptr) {
      ::setenv(name_.c_str(), value, 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }

  std::string name_;
  std::optional<std::string> before_;
};
