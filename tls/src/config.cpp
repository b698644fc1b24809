// SPDX-License-Identifier: MIT
#include <burrow/tls/detail/config_state.hpp>
#include <burrow/tls/errors.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace burrow::tls {

using detail::config_state;
using detail::owned;

namespace {

struct freed {
  void operator()(X509* c) const noexcept { X509_free(c); }
  void operator()(EVP_PKEY* k) const noexcept { EVP_PKEY_free(k); }
};
using certificate_ptr = std::unique_ptr<X509, freed>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed>;

std::error_code system_error(int number) noexcept { return {number, std::generic_category()}; }

/// In place of OpenSSL's own, which asks on the terminal: there is no password.
int no_password(char*, int, int, void*) noexcept { return -1; }

owned<BIO> text_reader(const std::string& text) {
  return owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// All the certificates in `text`; there is one at least.
result<std::vector<certificate_ptr>> read_certificates(const std::string& text) {
  detail::forget_errors();
  const owned<BIO> from = text_reader(text);
  if (!from) return detail::take_error();
  std::vector<certificate_ptr> all;
  for (;;) {
    certificate_ptr next(PEM_read_bio_X509_AUX(from.get(), nullptr, no_password, nullptr));
    if (!next) break;
    all.push_back(std::move(next));
  }
  const std::error_code why = detail::take_error();  // at the end: no line that begins another
  const bool is_end =
      ERR_GET_REASON(static_cast<unsigned long>(why.value())) == PEM_R_NO_START_LINE &&
      why.category() == error_category();
  if (all.empty() || !is_end) return why;
  return all;
}

std::error_code use_certificate(config_state& s, const std::string& chain, const std::string& key) {
  result<std::vector<certificate_ptr>> all = read_certificates(chain);
  if (!all) return all.error();
  SSL_CTX* const c = s.openssl.get();
  if (SSL_CTX_use_certificate(c, all->front().get()) != 1) return detail::take_error();
  for (std::size_t i = 1; i < all->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(c, (*all)[i].get()) != 1) return detail::take_error();
  }
  const owned<BIO> from = text_reader(key);
  if (!from) return detail::take_error();
  const key_ptr k(PEM_read_bio_PrivateKey(from.get(), nullptr, no_password, nullptr));
  if (!k || SSL_CTX_use_PrivateKey(c, k.get()) != 1 || SSL_CTX_check_private_key(c) != 1) {
    return detail::take_error();
  }
  s.has_certificate = true;
  return {};
}

std::error_code use_certificate(config_state& s, const options& from) {
  if (from.certificate.empty()) return {};
  const result<std::string> chain = from.certificate.load();
  if (!chain) return chain.error();
  if (from.key.empty()) return use_certificate(s, *chain, *chain);
  const result<std::string> key = from.key.load();
  if (!key) return key.error();
  return use_certificate(s, *chain, *key);
}

std::error_code use_roots(const config_state& s, const pem& roots) {
  SSL_CTX* const c = s.openssl.get();
  if (roots.empty()) {
    return SSL_CTX_set_default_verify_paths(c) == 1 ? std::error_code() : detail::take_error();
  }
  const result<std::string> text = roots.load();
  if (!text) return text.error();
  const result<std::vector<certificate_ptr>> all = read_certificates(*text);
  if (!all) return all.error();
  for (const certificate_ptr& root : *all) {
    const bool is_in = X509_STORE_add_cert(SSL_CTX_get_cert_store(c), root.get()) == 1 &&
                       SSL_CTX_add_client_CA(c, root.get()) == 1;
    if (!is_in) return detail::take_error();
  }
  return {};
}

/// The server's choice among what the client has named.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void* state) {
  const std::string& ours = static_cast<const config_state*>(state)->protocols;
  auto* const first = reinterpret_cast<const unsigned char*>(ours.data());
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, first, static_cast<unsigned>(ours.size()), in,
                            in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::error_code use_protocols(config_state& s, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) return system_error(EINVAL);
    s.protocols.push_back(static_cast<char>(name.size()));
    s.protocols.append(name);
  }
  if (names.empty()) return {};
  SSL_CTX* const c = s.openssl.get();
  const auto* const text = reinterpret_cast<const unsigned char*>(s.protocols.data());
  // The other way round than its siblings: 0 is success.
  if (SSL_CTX_set_alpn_protos(c, text, static_cast<unsigned>(s.protocols.size())) != 0) {
    return detail::take_error();
  }
  SSL_CTX_set_alpn_select_cb(c, choose_protocol, &s);
  return {};
}

result<std::shared_ptr<const config_state>> make_state(const options& from) {
  detail::forget_errors();
  auto s = std::make_shared<config_state>();
  s->openssl.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* const c = s->openssl.get();
  if (c == nullptr) return detail::take_error();
  const int lowest = from.minimum_version == version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(c, lowest);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A call that is made again need not have its bytes at the same place; and a connection that
  // waits has no buffers.
  SSL_CTX_set_mode(c, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(c, no_password);
  constexpr std::array<unsigned char, 6> name = {'b', 'u', 'r', 'r', 'o', 'w'};
  SSL_CTX_set_session_id_context(c, name.data(), static_cast<unsigned>(name.size()));
  s->server_name = from.server_name;
  s->verify = from.verify;
  s->requires_client_certificate = from.requires_client_certificate;
  std::error_code error = use_certificate(*s, from);
  if (!error) error = use_roots(*s, from.roots);
  if (!error) error = use_protocols(*s, from.alpn);
  if (error) return error;
  return std::shared_ptr<const config_state>(std::move(s));
}

}  // namespace

result<std::string> pem::load() const {
  if (!is_file_) return value_;
  std::FILE* const file = std::fopen(value_.c_str(), "re");
  if (file == nullptr) return system_error(errno);
  std::string all;
  std::array<char, 4096> piece;
  for (std::size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), file)) > 0;) {
    all.append(piece.data(), n);
  }
  const int failed = std::ferror(file) != 0 ? EIO : 0;
  std::fclose(file);
  if (failed != 0) return system_error(failed);
  return all;
}

result<config> config::make(const options& from) {
  result<std::shared_ptr<const config_state>> state = make_state(from);
  if (!state) return state.error();
  return config(std::move(*state));
}

namespace detail {

result<std::shared_ptr<const config_state>> config_access::state_of(const config& c) {
  if (c.state_ != nullptr) return c.state_;
  // For ever: connections may outlive main(). One that could not be made is tried again.
  static auto* const mutex = new std::mutex;
  static auto* const made = new std::shared_ptr<const config_state>;
  std::lock_guard hold(*mutex);
  if (*made == nullptr) {
    result<std::shared_ptr<const config_state>> state = make_state({});
    if (!state) return state;
    *made = std::move(*state);
  }
  return *made;
}

}  // namespace detail

}  // namespace burrow::tls
