// SPDX-License-Identifier: MIT
// Real channels beside their model: each step starts one operation in a goroutine of its own, lets
// everything run until it waits, and compares what has ended.
#pragma once

#include "channel_model.hpp"
#include "one_worker.hpp"

#include <burrow/burrow.hpp>

#include <optional>
#include <span>
#include <utility>

namespace fuzz {

class channel_world {
 public:
  explicit channel_world(const std::array<std::size_t, channels>& capacity) : model_(capacity) {
    for (std::size_t i = 0; i < channels; ++i) channel_[i] = burrow::make_chan<int>(capacity[i]);
    auto [ctx, cancel] = burrow::with_cancel(burrow::background());
    ctx_ = ctx;
    cancel_ = std::move(cancel);
  }

  burrow::task<> start(request r) {
    seen_.clear();
    r.id = next_id_++;
    burrow::go(run, this, r);
    co_await settle();
    model_.check_request(r, seen_);
    check_sizes();
  }
  /// The same without a goroutine; one case, and `otherwise`.
  void try_now(request r) {
    seen_.clear();
    r.id = next_id_++;
    attempt(r);
  }
  /// After try_now(): once the peer has run.
  burrow::task<> check_try(request r) {
    r.id = next_id_ - 1;
    co_await settle();
    model_.check_request(r, seen_);
    check_sizes();
  }
  burrow::task<> close(int channel) {
    seen_.clear();
    bool refused = false;
    try {
      channel_[static_cast<std::size_t>(channel)].close();
    } catch (const burrow::closed_channel&) {
      refused = true;
    }
    expect(refused == model_.is_closed(channel), "a channel is closed once");
    co_await settle();
    if (!refused) model_.check_close(channel, seen_);
  }
  burrow::task<> cancel() {
    seen_.clear();
    cancel_();
    co_await settle();
    model_.check_cancel(seen_);
  }
  burrow::task<> end() {
    for (int i = 0; i < channels; ++i) {
      if (!model_.is_closed(i)) co_await close(i);
    }
    expect(model_.waiting() == 0, "nobody waits when all is closed");
  }

 private:
  using kind = event::kind;

  /// Whoever has just been started or woken runs, then those that it has woken: with one worker,
  /// each before this one again. until_quiet() would look at every slot of the registry.
  burrow::task<> settle() const {
    for (int i = 0; i < 4; ++i) co_await burrow::this_goroutine::yield();
  }

  void check_sizes() const {
    for (int i = 0; i < channels; ++i) {
      expect(channel_[static_cast<std::size_t>(i)].size() == model_.size(i),
             "as many elements are buffered");
    }
    const std::size_t live = burrow::detail::current_worker()->owner().live();
    expect(live == model_.waiting() + 1, "as many goroutines wait");
  }

  const burrow::chan<int>& of(const channel_case& c) const {
    return channel_[static_cast<std::size_t>(c.channel)];
  }
  static event received(int which, std::optional<int> v) {
    return v ? event{kind::done, which, *v} : event{kind::closed, which, 0};
  }

  void attempt(const request& r) {
    const channel_case& c = r.cases[0];
    event e;
    try {
      int v = 0;
      if (c.sends) {
        if (of(c).try_send(c.value)) e = {kind::done, 0, 0};
      } else if (const burrow::recv_status s = of(c).try_recv(v); s != burrow::recv_status::empty) {
        e = received(0, s == burrow::recv_status::received ? std::optional(v) : std::nullopt);
      }
    } catch (const burrow::closed_channel&) {
      e = {kind::closed, none, 0};
    }
    seen_[r.id] = e;
  }

  static burrow::task<> run(channel_world* self, request r) {
    event e;
    try {
      if (r.watches) {
        e = co_await self->run_watching(r.cases[0]);
      } else if (r.cases.size() == 1) {
        e = co_await self->run_one(r.cases[0], r.has_otherwise);
      } else {
        e = co_await self->run_select(r);
      }
    } catch (const burrow::closed_channel&) {
      e = {kind::closed, none, 0};
    }
    self->seen_[r.id] = e;
  }

  burrow::task<event> run_watching(const channel_case& c) {
    int v = 0;
    std::error_code error;
    if (c.sends) {
      error = co_await of(c).send(ctx_, c.value);
    } else {
      error = co_await of(c).recv(ctx_, v);
    }
    if (!error) co_return event{kind::done, 0, v};
    if (error == burrow::errc::canceled) co_return event{kind::canceled, none, 0};
    co_return event{kind::closed, c.sends ? none : 0, 0};
  }

  burrow::task<event> run_one(const channel_case& c, bool has_otherwise) {
    int v = 0;
    bool ok = true;
    int chosen = 0;
    if (c.sends && has_otherwise) {
      chosen = co_await burrow::select(of(c).send(c.value), burrow::otherwise);
    } else if (c.sends) {
      co_await of(c).send(c.value);
    } else if (has_otherwise) {
      chosen = co_await burrow::select(of(c).recv(v, ok), burrow::otherwise);
    } else {
      ok = co_await of(c).recv(v);
    }
    if (chosen == 1) co_return event{};
    if (c.sends) co_return event{kind::done, 0, 0};
    co_return received(0, ok ? std::optional(v) : std::nullopt);
  }

  burrow::task<event> run_select(const request& r) {
    std::array<int, 4> v{};
    std::array<bool, 4> ok{true, true, true, true};
    int chosen = 0;
    const channel_case& x = r.cases[0];
    const channel_case& y = r.cases[1];
    if (r.cases.size() == 2 && x.sends && !y.sends && !r.has_otherwise) {
      chosen = co_await burrow::select(of(x).send(x.value), of(y).recv(v[1], ok[1]));
    } else if (r.cases.size() == 2 && !x.sends && !y.sends && r.has_otherwise) {
      chosen = co_await burrow::select(of(x).recv(v[0], ok[0]), of(y).recv(v[1], ok[1]),
                                       burrow::otherwise);
    } else {
      std::vector<burrow::select_case> cases;
      for (std::size_t k = 0; k < r.cases.size(); ++k) {
        const channel_case& c = r.cases[k];
        if (c.sends) {
          cases.emplace_back(of(c).send(c.value));
        } else {
          cases.emplace_back(of(c).recv(v[k], ok[k]));
        }
      }
      const std::span<burrow::select_case> all(cases);
      if (r.has_otherwise) {
        chosen = co_await burrow::select(all, burrow::otherwise);
      } else {
        chosen = co_await burrow::select(all);
      }
    }
    const auto k = static_cast<std::size_t>(chosen);
    if (k == r.cases.size()) co_return event{};
    if (r.cases[k].sends) co_return event{kind::done, chosen, 0};
    co_return received(chosen, ok[k] ? std::optional(v[k]) : std::nullopt);
  }

  channel_model model_;
  std::array<burrow::chan<int>, channels + 1> channel_;  // the last is nil
  burrow::context ctx_;
  burrow::cancel_function cancel_;
  events seen_;
  int next_id_ = 1;
};

}  // namespace fuzz
