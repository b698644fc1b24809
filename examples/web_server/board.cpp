// SPDX-License-Identifier: MIT
#include "board.hpp"

#include <burrow/http/errc.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace web {

namespace {

constexpr std::size_t shown = 20;  // requests

std::string_view name_of(state s) {
  switch (s) {
    case state::running: return "running";
    case state::finished: return "finished";
    case state::cancelled: break;
  }
  return "cancelled";
}

/// Why a Context has ended, for people.
std::string reason_of(const burrow::context& ctx) {
  try {
    if (const std::exception_ptr cause = ctx.cause()) std::rethrow_exception(cause);
  } catch (const std::system_error& e) {
    if (e.code() == burrow::http::errc::client_disconnected) return "client has gone";
    if (e.code() == burrow::errc::deadline_exceeded) return "deadline";
    return e.code().message();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "failed";
}

/// What is in here are the program's own words: nothing has to be escaped.
std::string to_json(const request& r) {
  const bool runs = r.running > 0;
  const state all = runs ? state::running : r.reason.empty() ? state::finished : state::cancelled;
  std::string text = "{\"id\":" + std::to_string(r.id) + ",\"what\":\"" + r.what +
                     "\",\"state\":\"" + std::string(name_of(all)) + "\",\"reason\":\"" + r.reason +
                     "\",\"took_us\":" + std::to_string(r.took.count()) +
                     ",\"given_back\":" + std::to_string(r.given_back) + ",\"tree\":[";
  for (const node& n : r.tree) {
    if (text.back() == '}') text += ',';
    text += "{\"name\":\"" + n.name + "\",\"parent\":" + std::to_string(n.parent) +
            ",\"state\":\"" + std::string(name_of(n.now)) + "\"}";
  }
  return text + "]}";
}

}  // namespace

// --- requests ------------------------------------------------------------------------------------

std::shared_ptr<request> board::enter(std::string what, burrow::context ctx,
                                      burrow::cancel_cause_trigger cancel) {
  const std::lock_guard hold(mutex_);
  if (shuts_down_) return nullptr;
  auto r = std::make_shared<request>(
      request{.id = ++last_id_, .what = std::move(what), .ctx = std::move(ctx), .cancel = cancel});
  latest_.push_back(r);
  // The oldest that has ended makes room.
  if (latest_.size() > shown) {
    const auto ended = std::ranges::find_if(latest_, [](auto& old) { return !old->ctx; });
    if (ended != latest_.end()) latest_.erase(ended);
  }
  requests_.add(1);
  return r;
}

void board::leave(request& r) {
  std::string said = "request " + std::to_string(r.id) + " (" + r.what + "): ";
  {
    const std::lock_guard hold(mutex_);
    const std::string n = std::to_string(r.tree.size()) + " goroutines";
    if (r.reason.empty()) {
      said += "finished; " + n;
    } else {
      said += r.reason + "; all of its " + n + " had ended after " +
              std::to_string(r.took.count()) + " us, and " + std::to_string(r.given_back) +
              " connections were given back";
    }
    r.ctx = {};
    r.cancel = {};
  }
  std::printf("%s\n", said.c_str());
  requests_.done();
}

bool board::cancel(int id, std::string_view by) {
  burrow::cancel_cause_trigger cancel;
  {
    const std::lock_guard hold(mutex_);
    const auto it = std::ranges::find(latest_, id, [](auto& r) { return r->id; });
    if (it == latest_.end() || !(*it)->ctx || (*it)->ctx.err()) return false;
    (*it)->ended_at = clock::now();
    cancel = (*it)->cancel;
  }
  cancel(cancelled_by(std::string(by)));
  return true;
}

void board::shut_down(std::string_view by) {
  std::vector<burrow::cancel_cause_trigger> cancels;
  {
    const std::lock_guard hold(mutex_);
    shuts_down_ = true;
    for (const auto& r : latest_) {
      if (!r->ctx || r->ctx.err()) continue;
      r->ended_at = clock::now();
      cancels.push_back(r->cancel);
    }
  }
  for (const auto& cancel : cancels) cancel(cancelled_by(std::string(by)));
}

// --- goroutines ----------------------------------------------------------------------------------

int board::begin(request& r, std::string_view name, int parent) {
  const std::lock_guard hold(mutex_);
  r.tree.push_back({std::string(name), parent});
  ++r.running;
  touch(r);
  return static_cast<int>(r.tree.size()) - 1;
}

void board::end(request& r, int index, bool finished) {
  const std::lock_guard hold(mutex_);
  r.tree[static_cast<std::size_t>(index)].now = finished ? state::finished : state::cancelled;
  if (!finished) note_end(r);
  --r.running;
  touch(r);
}

/// A goroutine has ended before its time. Of a client that goes nobody is told before the
/// goroutines are: then the first of them says when it was.
void board::note_end(request& r) {
  const clock::time_point now = clock::now();
  if (r.reason.empty()) {
    r.reason = reason_of(r.ctx);
    if (r.reason == "deadline") r.ended_at = r.ctx.deadline().value_or(now);
    if (r.ended_at == clock::time_point()) r.ended_at = now;
  }
  r.took = std::chrono::duration_cast<std::chrono::microseconds>(now - r.ended_at);
}

void board::lend(request& r) {
  const std::lock_guard hold(mutex_);
  ++r.lent;
}

void board::give_back(request& r) {
  const std::lock_guard hold(mutex_);
  --r.lent;
  if (r.ctx.err()) ++r.given_back;
}

// --- the news ------------------------------------------------------------------------------------

void board::touch(request& r) {
  r.changed = ++version_;
  changes_.set(version_);
}

std::string board::news(std::uint64_t& seen) {
  const std::lock_guard hold(mutex_);
  int running = 0;
  int lent = 0;
  std::string requests;
  for (const auto& r : latest_) {
    running += r->running;
    lent += r->lent;
    if (r->changed <= seen) continue;
    if (!requests.empty()) requests += ',';
    requests += to_json(*r);
  }
  seen = version_;
  return "{\"goroutines\":" + std::to_string(running) + ",\"lent\":" + std::to_string(lent) +
         ",\"requests\":[" + requests + "]}";
}

}  // namespace web
