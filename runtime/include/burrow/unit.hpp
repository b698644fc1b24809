// SPDX-License-Identifier: MIT
#pragma once

namespace burrow {

/// The value of something that has none, where a type is needed: the element of chan<>, the result
/// of a task<> in all(). Go: struct{}.
struct unit {
  friend bool operator==(unit, unit) = default;
};

}  // namespace burrow
