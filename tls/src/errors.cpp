// SPDX-License-Identifier: MIT
#include <burrow/tls/detail/openssl.hpp>
#include <burrow/tls/errors.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <new>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <string>

namespace burrow::tls {

static_assert(static_cast<int>(certificate_errc::not_yet_valid) == X509_V_ERR_CERT_NOT_YET_VALID);
static_assert(static_cast<int>(certificate_errc::expired) == X509_V_ERR_CERT_HAS_EXPIRED);
static_assert(static_cast<int>(certificate_errc::self_signed) ==
              X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
static_assert(static_cast<int>(certificate_errc::self_signed_in_chain) ==
              X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
static_assert(static_cast<int>(certificate_errc::unknown_issuer) ==
              X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
static_assert(static_cast<int>(certificate_errc::revoked) == X509_V_ERR_CERT_REVOKED);
static_assert(static_cast<int>(certificate_errc::wrong_name) == X509_V_ERR_HOSTNAME_MISMATCH);
static_assert(static_cast<int>(certificate_errc::wrong_address) == X509_V_ERR_IP_ADDRESS_MISMATCH);

namespace {

class certificate_errors final : public std::error_category {
 public:
  const char* name() const noexcept override { return "certificate"; }
  std::string message(int value) const override {
    return std::string("tls: certificate refused: ") + X509_verify_cert_error_string(value);
  }
};

class tls_errors final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    const auto code = static_cast<unsigned long>(value);
    const char* const reason = ERR_reason_error_string(code);
    if (reason != nullptr) return std::string("tls: ") + reason;
    std::array<char, 128> text{};
    ERR_error_string_n(code, text.data(), text.size());
    return std::string("tls: ") + text.data();
  }
};

}  // namespace

const std::error_category& certificate_category() noexcept {
  // Never destroyed: an error may outlive main().
  alignas(certificate_errors) static std::byte storage[sizeof(certificate_errors)];
  static const auto* category = new (storage) certificate_errors;
  return *category;
}

const std::error_category& error_category() noexcept {
  alignas(tls_errors) static std::byte storage[sizeof(tls_errors)];  // the same
  static const auto* category = new (storage) tls_errors;
  return *category;
}

namespace detail {

void freed_by_openssl::operator()(bio_st* b) const noexcept { BIO_free(b); }
void freed_by_openssl::operator()(ssl_ctx_st* c) const noexcept { SSL_CTX_free(c); }
void freed_by_openssl::operator()(ssl_st* s) const noexcept { SSL_free(s); }

std::error_code take_error() noexcept {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  // OpenSSL reports next to nothing else without a word.
  if (code == 0) return std::make_error_code(std::errc::not_enough_memory);
  if (ERR_SYSTEM_ERROR(code)) return {ERR_GET_REASON(code), std::generic_category()};
  if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  return {static_cast<int>(code), error_category()};
}

void forget_errors() noexcept { ERR_clear_error(); }

}  // namespace detail

}  // namespace burrow::tls
