// SPDX-License-Identifier: MIT
#include <burrow/blocking.hpp>
#include <burrow/chan.hpp>
#include <burrow/detail/socket.hpp>
#include <burrow/go.hpp>
#include <burrow/net/listener.hpp>
#include <burrow/select.hpp>
#include <burrow/this_goroutine.hpp>
#include <burrow/timer.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>

namespace burrow::net {

using namespace std::chrono_literals;
namespace d = burrow::detail;

// --- names ---------------------------------------------------------------------------------------

namespace {

class resolver_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int value) const override { return ::gai_strerror(value); }
};

const std::error_category& resolver_errors() noexcept {
  static const auto* category = new resolver_category;  // an error may outlive main()
  return *category;
}

using addresses = std::vector<address>;

/// On a thread that may block.
result<addresses> look_up(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error == EAI_SYSTEM) return d::system_error_code(errno);
  if (error != 0) return std::error_code(error, resolver_errors());
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, &::freeaddrinfo);
  addresses all;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    all.emplace_back(a->ai_addr, a->ai_addrlen);
  }
  return all;
}

task<> look_up_for(std::string host, std::string port, chan<result<addresses>> answer) {
  result<addresses> found = co_await blocking([&] { return look_up(host, port); });
  co_await answer.send(std::move(found));
}

}  // namespace

task<result<std::vector<address>>> resolve(std::string_view host, std::string_view port) {
  const context ctx = this_goroutine::context();
  if (const std::error_code ended = ctx.err()) co_return ended;
  auto answer = make_chan<result<addresses>>(1);
  go(background(), look_up_for, std::string(host), std::string(port), answer);
  result<addresses> found;
  if (co_await select(answer.recv(found), ctx.done()) != 0) co_return ctx.err();
  co_return found;
}

task<result<std::vector<address>>> resolve(context, std::string_view host, std::string_view port) {
  co_return co_await resolve(host, port);
}

// --- connecting ----------------------------------------------------------------------------------

task<result<stream>> dial(address to) {
  if (to.empty()) co_return std::make_error_code(std::errc::invalid_argument);
  result<d::descriptor_ref> socket = d::open_socket(to.family(), SOCK_STREAM);
  if (!socket) co_return socket.error();
  d::connect_request r(to);
  const d::io_outcome outcome = co_await d::perform(*socket, r);
  if (outcome.error) co_return outcome.error;
  stream s(std::move(*socket));
  if (to.is_ip()) static_cast<void>(s.set_no_delay(true));
  co_return s;
}

namespace {

/// The families in turns, beginning with that of the first.
void take_turns(addresses& all) {
  if (all.empty()) return;
  const int first = all.front().family();
  addresses others;
  for (const address& a : all) {
    if (a.family() != first) others.push_back(a);
  }
  std::erase_if(all, [first](const address& a) { return a.family() != first; });
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::size_t at = std::min(2 * i + 1, all.size());
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(at), others[i]);
  }
}

constexpr std::chrono::milliseconds head_start = 250ms;
constexpr std::chrono::milliseconds timer_never = 24h;  // the attempts end before that

task<> dial_for(context, address to, chan<result<stream>> answers) {
  co_await answers.send(co_await dial(to));
}

/// The first of them that answers; RFC 8305.
task<result<stream>> dial_any(addresses all) {
  if (all.empty()) co_return std::make_error_code(std::errc::host_unreachable);
  if (all.size() == 1) co_return co_await dial(all.front());
  const context ctx = this_goroutine::context();
  auto [attempts, cancel] = with_cancel(ctx);
  auto answers = make_chan<result<stream>>(all.size());
  std::error_code first_error;
  std::size_t begun = 0;
  for (std::size_t ended = 0; ended < all.size();) {
    if (begun < all.size()) go(dial_for, attempts, all[begun++], answers);
    timer next(begun < all.size() ? head_start : timer_never);
    result<stream> answer;
    const int what = co_await select(answers.recv(answer), ctx.done(), next.recv());
    if (what == 1) co_return ctx.err();
    if (what != 0) continue;
    if (answer) co_return answer;
    if (!first_error) first_error = answer.error();
    ++ended;
  }
  co_return first_error;
}

}  // namespace

task<result<stream>> dial(std::string_view network, std::string_view where) {
  if (network == "unix") {
    const result<address> at = address::of_path(where);
    if (!at) co_return at.error();
    co_return co_await dial(*at);
  }
  if (network != "tcp" && network != "tcp4" && network != "tcp6") {
    co_return std::make_error_code(std::errc::protocol_not_supported);
  }
  if (const result<address> at = address::parse(where)) co_return co_await dial(*at);
  const std::size_t colon = where.rfind(':');
  if (colon == std::string_view::npos) co_return std::make_error_code(std::errc::invalid_argument);
  std::string_view host = where.substr(0, colon);
  if (host.empty()) host = "localhost";
  result<addresses> all = co_await resolve(host, where.substr(colon + 1));
  if (!all) co_return all.error();
  if (network != "tcp") {
    const int family = network == "tcp4" ? AF_INET : AF_INET6;
    std::erase_if(*all, [family](const address& a) { return a.family() != family; });
  }
  take_turns(*all);
  co_return co_await dial_any(std::move(*all));
}

task<result<stream>> dial(context, std::string_view network, std::string_view where) {
  co_return co_await dial(network, where);
}

}  // namespace burrow::net
