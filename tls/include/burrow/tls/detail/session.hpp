// SPDX-License-Identifier: MIT
// One side of TLS, without a connection: OpenSSL between two buffers in memory, one with what the
// peer has sent and one with what it is to be sent. Nothing here waits, but for the lock, which is
// held over OpenSSL calls alone: a goroutine that reads and one that writes never wait for each
// other's part of the connection.
//
// Each step leaves what it has to say to the peer in the output; also a step that reads (the answer
// to a change of keys, an alert), and one that fails.
#pragma once

#include <burrow/io_bytes.hpp>
#include <burrow/tls/detail/config_state.hpp>
#include <burrow/tls/detail/openssl.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

namespace burrow::tls::detail {

/// What has come of a step. wants_input: take_in() more, and make it again.
enum class progress : std::uint8_t { made, wants_input, end, failed };

struct step {
  progress what = progress::made;
  std::size_t size = 0;   // of what was read
  std::error_code error;  // of one that has failed: so will all that follow
};

enum class side : std::uint8_t { client, server };

class session {
 public:
  /// The most plain bytes of a record.
  static constexpr std::size_t record_size = 16UL * 1024;

  explicit session(std::shared_ptr<const config_state> config) noexcept
      : config_(std::move(config)) {}

  /// Before anything else. `name` is the host that a client wants.
  std::error_code begin(side which, std::string_view name);

  step shake_hands();
  /// end: the peer has said that no more comes.
  step read(bytes into);
  /// Encrypts all of `from`, at most a record.
  step write(const_bytes from);
  /// Says that no more comes.
  step end_writing();

  /// What the peer has sent. False: no memory.
  bool take_in(const_bytes from);
  /// Appends the output to `to`. Throws std::bad_alloc.
  void take_output(std::vector<std::byte>& to);
  std::size_t output_size();
  /// Plain bytes that can be read, or bytes of the peer that nobody has looked at.
  bool has_input();

  std::string protocol();
  const char* version_name();
  std::string server_name();

 private:
  step outcome_of(int returned);
  std::error_code demand_name(std::string_view name);

  std::shared_ptr<const config_state> config_;
  std::mutex mutex_;
  // Under the mutex, all of it.
  owned<ssl_st> openssl_;
  bio_st* input_ = nullptr;   // openssl_'s
  bio_st* output_ = nullptr;  // openssl_'s
  std::error_code error_;
};

}  // namespace burrow::tls::detail
