// SPDX-License-Identifier: MIT
// buffered_reader: lines and small pieces from a stream, with few calls of the kernel.
#pragma once

#include <burrow/errc.hpp>
#include <burrow/io_buffer.hpp>
#include <burrow/io_bytes.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace burrow {

/// Reads ahead from `Stream`, which has `task<result<std::size_t>> read(bytes)`, and hands out
/// lines and pieces. From one that has `receive`, as net::stream, it holds memory only while there
/// is something in it. Used by one goroutine at a time. Go: bufio.Reader.
template <class Stream>
class buffered_reader {
 public:
  explicit buffered_reader(Stream from, std::size_t capacity = 4096) noexcept
      : from_(std::move(from)), capacity_(std::max<std::size_t>(capacity, 1)) {}

  /// What has been read ahead, else what one read gives. 0: the end. Go: Read.
  task<result<std::size_t>> read(bytes into) {
    if (begin_ == end_) {
      const auto got = co_await fill();
      if (!got || *got == 0) co_return got;
    }
    const std::size_t n = std::min(into.size(), end_ - begin_);
    if (n != 0) std::memcpy(into.data(), buffer_.data() + begin_, n);
    begin_ += n;
    co_return n;
  }

  task<result<std::size_t>> read(context, bytes into) { co_return co_await read(into); }

  /// Until `into` is full. errc::unexpected_eof: it ended before; then what came is lost to the
  /// caller. Go: io.ReadFull.
  task<result<void>> read_full(bytes into) {
    while (!into.empty()) {
      const auto got = co_await read(into);
      if (!got) co_return got.error();
      if (*got == 0) co_return errc::unexpected_eof;
      into = into.from(*got);
    }
    co_return {};
  }
  task<result<void>> read_full(context, bytes into) { co_return co_await read_full(into); }

  /// The next line, without "\n" or "\r\n"; nullopt: the end. A last line without an end counts.
  /// One of more than `limit` bytes is std::errc::message_size: what was read of it is dropped, and
  /// the rest of it, if only its end, comes next. Go: bufio.Scanner.
  task<result<std::optional<std::string>>> read_line(std::size_t limit = 65'536) {
    std::string line;
    for (;;) {
      if (begin_ == end_) {
        const auto got = co_await fill();
        if (!got) co_return got.error();
        if (*got == 0) {
          if (line.empty()) co_return std::optional<std::string>();
          co_return std::optional<std::string>(std::move(line));
        }
      }
      const char* const from = buffer_.text().data() + begin_;
      const auto* const stop = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
      const std::size_t n = stop != nullptr ? static_cast<std::size_t>(stop - from) : end_ - begin_;
      begin_ += n;
      if (line.size() + n > limit) co_return std::make_error_code(std::errc::message_size);
      line.append(from, n);
      if (stop == nullptr) continue;
      ++begin_;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      co_return std::optional<std::string>(std::move(line));
    }
  }

  task<result<std::optional<std::string>>> read_line(context, std::size_t limit = 65'536) {
    co_return co_await read_line(limit);
  }

  /// What it reads from; what was read ahead is not there any more.
  Stream& stream() noexcept { return from_; }

 private:
  task<result<std::size_t>> fill() {
    begin_ = end_ = 0;
    if constexpr (requires { from_.receive(capacity_); }) {
      buffer_ = io_buffer();
      auto got = co_await from_.receive(capacity_);
      if (!got) co_return got.error();
      buffer_ = std::move(*got);
      end_ = buffer_.size();
    } else {
      if (buffer_.empty()) buffer_ = io_buffer(capacity_);
      const auto got = co_await from_.read(bytes(buffer_.data(), buffer_.size()));
      if (!got) co_return got.error();
      end_ = *got;
    }
    co_return end_;
  }

  Stream from_;
  std::size_t capacity_;
  io_buffer buffer_;
  std::size_t begin_ = 0;  // what was read ahead is from here
  std::size_t end_ = 0;    // to here
};

}  // namespace burrow
