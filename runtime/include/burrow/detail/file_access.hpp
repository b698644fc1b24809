// SPDX-License-Identifier: MIT
// What the sources of files share.
#pragma once

#include <burrow/file.hpp>

#include <memory>

struct stat;

namespace burrow {

namespace detail {

file_info info_of(const struct stat& about) noexcept;
/// Of st_mode.
file_type type_of_mode(unsigned mode) noexcept;

}  // namespace detail

/// The runtime's way to what a handle stands for.
struct file_access {
  static file make(std::shared_ptr<detail::file_state> state) noexcept {
    return file(std::move(state));
  }
  static const std::shared_ptr<detail::file_state>& state_of(const file& f) noexcept {
    return f.state_;
  }
};

}  // namespace burrow
