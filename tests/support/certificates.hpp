// SPDX-License-Identifier: MIT
// Certificates for tests of TLS, made on the spot: an authority, and what it vouches for.
#pragma once

#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdexcept>
#include <string>

namespace certificates {

struct freed {
  void operator()(X509* c) const noexcept { X509_free(c); }
  void operator()(EVP_PKEY* k) const noexcept { EVP_PKEY_free(k); }
  void operator()(BIO* b) const noexcept { BIO_free(b); }
  void operator()(X509_EXTENSION* e) const noexcept { X509_EXTENSION_free(e); }
};
template <class T>
using owned = std::unique_ptr<T, freed>;

inline void must(bool is_done) {
  if (!is_done) throw std::runtime_error("OpenSSL could not make a certificate");
}

/// When a certificate is good, in seconds from now.
struct validity {
  long from = -3600;
  long until = 3600;
};

/// A certificate and its key.
struct identity {
  owned<X509> certificate;
  owned<EVP_PKEY> key;

  std::string certificate_text() const {
    const owned<BIO> to(BIO_new(BIO_s_mem()));
    must(PEM_write_bio_X509(to.get(), certificate.get()) == 1);
    return text_of(to.get());
  }
  std::string key_text() const {
    const owned<BIO> to(BIO_new(BIO_s_mem()));
    must(PEM_write_bio_PrivateKey(to.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return text_of(to.get());
  }

 private:
  static std::string text_of(BIO* b) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(b, &data);
    return {data, static_cast<std::size_t>(size)};
  }
};

inline void extend(X509* c, X509* issuer, int what, const std::string& value) {
  X509V3_CTX about{};
  X509V3_set_ctx(&about, issuer, c, nullptr, nullptr, 0);
  const owned<X509_EXTENSION> e(X509V3_EXT_conf_nid(nullptr, &about, what, value.c_str()));
  must(e && X509_add_ext(c, e.get(), -1) == 1);
}

/// A certificate called `name` for `names` ("DNS:localhost,IP:127.0.0.1"), by `issuer`; null: an
/// authority, by itself.
inline identity make(const std::string& name, const std::string& names, const identity* issuer,
                     validity when = {}) {
  static long serial = 1;
  identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* const c = made.certificate.get();
  must(made.key && c != nullptr && X509_set_version(c, X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
  X509_gmtime_adj(X509_getm_notBefore(c), when.from);
  X509_gmtime_adj(X509_getm_notAfter(c), when.until);
  X509_set_pubkey(c, made.key.get());
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8, text, -1, -1, 0);
  X509* const by = issuer != nullptr ? issuer->certificate.get() : c;
  X509_set_issuer_name(c, X509_get_subject_name(by));
  if (issuer == nullptr) extend(c, by, NID_basic_constraints, "critical,CA:TRUE");
  if (!names.empty()) extend(c, by, NID_subject_alt_name, names);
  EVP_PKEY* const signer = issuer != nullptr ? issuer->key.get() : made.key.get();
  must(X509_sign(c, signer, EVP_sha256()) > 0);
  return made;
}

}  // namespace certificates
