// SPDX-License-Identifier: MIT
#include <burrow/chan.hpp>
#include <burrow/detail/prepared.hpp>
#include <burrow/detail/socket.hpp>
#include <burrow/go.hpp>
#include <burrow/net/listener.hpp>
#include <burrow/select.hpp>
#include <burrow/sleep.hpp>
#include <burrow/this_goroutine.hpp>
#include <burrow/timer.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <new>
#include <utility>

namespace burrow::net {

using namespace std::chrono_literals;
namespace d = burrow::detail;

namespace {

constexpr std::chrono::milliseconds longest_pause = 32ms;

bool is_full(const d::io_outcome& outcome) noexcept {
  return outcome.error == d::system_error_code(d::listener_is_full);
}

}  // namespace

task<result<stream>> dial(address to) {
  if (to.empty()) co_return std::make_error_code(std::errc::invalid_argument);
  result<d::descriptor_ref> socket = d::open_socket(to.family(), SOCK_STREAM);
  if (!socket) co_return socket.error();
  for (auto pause = 1ms;; pause = std::min(2 * pause, longest_pause)) {
    d::connect_request r(to);
    const d::io_outcome outcome = co_await d::perform(*socket, r);
    if (!outcome.error) break;
    if (!is_full(outcome)) co_return outcome.error;
    if (const std::error_code ended = co_await sleep(pause)) co_return ended;
  }
  if (to.is_ip()) d::set_up_connection((*socket)->fd);
  co_return stream(std::move(*socket));
}

task<result<stream>> dial(context, address to) { co_return co_await dial(to); }

namespace {

using addresses = std::vector<address>;

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

/// One attempt, which answers in any case: a goroutine that the end of the runtime finds waiting
/// for its first turn never begins. There is room for the answers of all.
class attempt {
 public:
  explicit attempt(chan<result<stream>> answers) noexcept : answers_(std::move(answers)) {}
  attempt(attempt&&) noexcept = default;
  attempt& operator=(attempt&&) = delete;
  ~attempt() { answer(errc::canceled); }

  void answer(const result<stream>& with) {
    if (answers_) std::exchange(answers_, {}).try_send(with);
  }

 private:
  chan<result<stream>> answers_;
};

task<> dial_for(address to, attempt a) {
  result<stream> got = std::make_error_code(std::errc::not_enough_memory);
  try {
    got = co_await dial(to);
  } catch (const std::bad_alloc&) {  // the answer tells
  }
  a.answer(got);
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
    if (begun < all.size()) {
      go(attempts, d::prepared(dial_for(all[begun++], attempt(answers))));
    }
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
  if (const result<address> at = address::parse(where)) {
    if (!d::is_of_network(*at, network)) co_return d::system_error_code(EAFNOSUPPORT);
    co_return co_await dial(*at);
  }
  const std::size_t colon = where.rfind(':');
  if (colon == std::string_view::npos) co_return std::make_error_code(std::errc::invalid_argument);
  std::string_view host = where.substr(0, colon);
  if (host.empty()) host = "localhost";
  result<addresses> all = co_await resolve(host, where.substr(colon + 1));
  if (!all) co_return all.error();
  std::erase_if(*all, [network](const address& a) { return !d::is_of_network(a, network); });
  take_turns(*all);
  co_return co_await dial_any(std::move(*all));
}

task<result<stream>> dial(context, std::string_view network, std::string_view where) {
  co_return co_await dial(network, where);
}

}  // namespace burrow::net
