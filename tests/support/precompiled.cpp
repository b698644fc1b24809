// SPDX-License-Identifier: MIT
// Nothing but the headers that are compiled once, see tests/CMakeLists.txt.
