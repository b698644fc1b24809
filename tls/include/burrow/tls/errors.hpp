// SPDX-License-Identifier: MIT
// What can go wrong with TLS itself; errors of the connection are those of the system.
#pragma once

#include <system_error>
#include <type_traits>

namespace burrow::tls {

/// Why the peer's certificate was refused. The values are those of OpenSSL's X509_V_ERR_...; the
/// more common ones have a name here, the others have their message all the same. Go:
/// tls.CertificateVerificationError.
enum class certificate_errc {
  not_yet_valid = 9,
  expired = 10,
  self_signed = 18,           ///< it has signed itself, and is not among the roots
  self_signed_in_chain = 19,  ///< its chain ends in a root that is not among ours
  unknown_issuer = 20,        ///< its issuer is neither among the roots nor in the chain
  revoked = 23,
  wrong_name = 62,     ///< it is for other hosts
  wrong_address = 64,  ///< it is for other IP addresses
};

/// The category of certificate_errc, "certificate".
const std::error_category& certificate_category() noexcept;

/// The category of all else that OpenSSL reports, "tls": what came is no TLS, the peer has sent an
/// alert, a PEM file cannot be read as one. The values are OpenSSL's codes; the messages say what
/// there is to know.
const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(certificate_errc e) noexcept {
  return {static_cast<int>(e), certificate_category()};
}

}  // namespace burrow::tls

template <>
struct std::is_error_code_enum<burrow::tls::certificate_errc> : std::true_type {};
