// SPDX-License-Identifier: MIT
#include <burrow/tls/detail/session.hpp>
#include <burrow/tls/errors.hpp>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace burrow::tls::detail {

namespace {

bool is_address(const std::string& host) noexcept {
  in6_addr any;
  return ::inet_pton(AF_INET, host.c_str(), &any) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

}  // namespace

// --- the begin -----------------------------------------------------------------------------------

/// What a client demands: the name, and that the certificate is for it.
std::error_code session::demand_name(std::string_view host) {
  SSL* const s = openssl_.get();
  if (host.ends_with('.')) host.remove_suffix(1);  // a name from the root; certificates have no dot
  const std::string name(host);
  const bool is_checked = config_->verify == verification::full;
  if (name.empty()) {
    return is_checked ? std::make_error_code(std::errc::invalid_argument) : std::error_code();
  }
  // An address is not a name: it is not asked for (RFC 6066, 3), and is another part of the
  // certificate.
  X509_VERIFY_PARAM* const demands = SSL_get0_param(s);
  if (is_address(name)) {
    const int is_set = is_checked ? X509_VERIFY_PARAM_set1_ip_asc(demands, name.c_str()) : 1;
    return is_set == 1 ? std::error_code() : take_error();
  }
  if (SSL_set_tlsext_host_name(s, name.c_str()) != 1) return take_error();
  if (!is_checked) return {};
  SSL_set_hostflags(s, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(s, name.c_str()) == 1 ? std::error_code() : take_error();
}

std::error_code session::begin(side which, std::string_view name) {
  std::lock_guard hold(mutex_);
  forget_errors();
  openssl_.reset(SSL_new(config_->openssl.get()));
  owned<BIO> input(BIO_new(BIO_s_mem()));
  owned<BIO> output(BIO_new(BIO_s_mem()));
  if (!openssl_ || !input || !output) return take_error();
  input_ = input.release();
  output_ = output.release();
  SSL_set_bio(openssl_.get(), input_, output_);
  if (which == side::client) {
    SSL_set_connect_state(openssl_.get());
    const bool is_checked = config_->verify != verification::insecure_none;
    SSL_set_verify(openssl_.get(), is_checked ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    return demand_name(name);
  }
  SSL_set_accept_state(openssl_.get());
  const bool is_checked = config_->requires_client_certificate;
  const int demanded = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_set_verify(openssl_.get(), is_checked ? demanded : SSL_VERIFY_NONE, nullptr);
  return {};
}

// --- steps ---------------------------------------------------------------------------------------

step session::outcome_of(int returned) {
  switch (SSL_get_error(openssl_.get(), returned)) {
    case SSL_ERROR_NONE: return {};
    case SSL_ERROR_WANT_READ: return {progress::wants_input, 0, {}};
    case SSL_ERROR_ZERO_RETURN: return {progress::end, 0, {}};
    default: break;
  }
  const unsigned long code = ERR_peek_error();
  const long refused = SSL_get_verify_result(openssl_.get());
  const bool is_ours =
      ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  error_ = take_error();
  if (is_ours && refused != X509_V_OK) error_ = {static_cast<int>(refused), certificate_category()};
  return {progress::failed, 0, error_};
}

step session::shake_hands() {
  std::lock_guard hold(mutex_);
  if (error_) return {progress::failed, 0, error_};
  forget_errors();
  return outcome_of(SSL_do_handshake(openssl_.get()));
}

step session::read(bytes into) {
  std::lock_guard hold(mutex_);
  if (error_) return {progress::failed, 0, error_};
  forget_errors();
  std::size_t size = 0;
  const int returned = SSL_read_ex(openssl_.get(), into.data(), into.size(), &size);
  if (returned == 1) return {progress::made, size, {}};
  return outcome_of(returned);
}

step session::write(const_bytes from) {
  std::lock_guard hold(mutex_);
  if (error_) return {progress::failed, 0, error_};
  forget_errors();
  std::size_t size = 0;  // all of it: the output takes what it is given
  return outcome_of(SSL_write_ex(openssl_.get(), from.data(), from.size(), &size));
}

step session::end_writing() {
  std::lock_guard hold(mutex_);
  if (error_) return {progress::failed, 0, error_};
  forget_errors();
  // 0: the peer has not said so yet, which nobody here waits for.
  const int returned = SSL_shutdown(openssl_.get());
  return returned >= 0 ? step() : outcome_of(returned);
}

// --- the two buffers -----------------------------------------------------------------------------

bool session::take_in(const_bytes from) {
  std::lock_guard hold(mutex_);
  forget_errors();
  return BIO_write(input_, from.data(), static_cast<int>(from.size())) ==
         static_cast<int>(from.size());
}

void session::take_output(std::vector<std::byte>& to) {
  std::lock_guard hold(mutex_);
  const std::size_t size = BIO_ctrl_pending(output_);
  if (size == 0) return;
  const std::size_t before = to.size();
  to.resize(before + size);
  BIO_read(output_, to.data() + before, static_cast<int>(size));
}

std::size_t session::output_size() {
  std::lock_guard hold(mutex_);
  return BIO_ctrl_pending(output_);
}

bool session::has_input() {
  std::lock_guard hold(mutex_);
  return SSL_has_pending(openssl_.get()) != 0 || BIO_ctrl_pending(input_) > 0;
}

// --- what was agreed on --------------------------------------------------------------------------

std::string session::protocol() {
  std::lock_guard hold(mutex_);
  const unsigned char* text = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(openssl_.get(), &text, &size);
  return {reinterpret_cast<const char*>(text), size};
}

const char* session::version_name() {
  std::lock_guard hold(mutex_);
  return SSL_get_version(openssl_.get());
}

std::string session::server_name() {
  std::lock_guard hold(mutex_);
  const char* const name = SSL_get_servername(openssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

}  // namespace burrow::tls::detail
