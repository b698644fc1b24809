// SPDX-License-Identifier: MIT
// OpenSSL's types by name alone, and what owns them.
#pragma once

#include <memory>
#include <system_error>

struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace burrow::tls::detail {

struct freed_by_openssl {
  void operator()(bio_st* b) const noexcept;
  void operator()(ssl_ctx_st* c) const noexcept;
  void operator()(ssl_st* s) const noexcept;
};

template <class T>
using owned = std::unique_ptr<T, freed_by_openssl>;

/// The first of the errors that this thread's OpenSSL calls have left since the last call of
/// forget_errors(), and none is left behind. It is never zero.
std::error_code take_error() noexcept;
void forget_errors() noexcept;

}  // namespace burrow::tls::detail
