// SPDX-License-Identifier: MIT
// io_buffer: what has been received, in memory of its own.
#pragma once

#include <burrow/io_bytes.hpp>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace burrow {

/// Some bytes, owned; moved, not copied.
class io_buffer {
 public:
  io_buffer() noexcept = default;
  /// Of `size` bytes, to be written to. Throws std::bad_alloc.
  explicit io_buffer(std::size_t size)
      : data_(std::make_unique_for_overwrite<std::byte[]>(size)), size_(size) {}
  io_buffer(io_buffer&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  io_buffer& operator=(io_buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  std::byte* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_.get()), size_};
  }
  /// Forgets what is behind the first `size` bytes, which are there.
  void cut(std::size_t size) noexcept { size_ = size; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
};

}  // namespace burrow
