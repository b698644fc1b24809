// SPDX-License-Identifier: MIT
// A tree of Contexts beside one whose errors, causes and values are computed anew, from the root
// on, each time that they are asked for.
#include "one_worker.hpp"

#include <burrow/burrow.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace fuzz;
using namespace std::chrono_literals;
namespace b = burrow;

constexpr b::context_key<int> keys[] = {b::context_key<int>("first"),
                                        b::context_key<int>("second")};

/// A cause: known by its number.
struct numbered {
  int number;
};

struct node {
  enum class kind { cancel, cancel_cause, value, without_cancel, past, future };

  kind how;
  int parent;  // -1: the background
  b::context ctx;
  b::cancel_function cancel;
  b::cancel_cause_function cancel_cause;

  // The model. An ending of this node itself, by its number in the order of all.
  int ended_at = 0;
  b::errc error{};
  int cause = 0;  // 0: none was given
  unsigned key = 0;
  int value = 0;
};

struct call {
  int at;
  b::stop_function stop;
  int runs = 0;
  bool stopped = false;
};

class world {
 public:
  void derive(input& in) {
    if (nodes_.size() >= 20) return;
    const int parent = static_cast<int>(in.below(static_cast<unsigned>(nodes_.size()) + 1)) - 1;
    const auto how = static_cast<node::kind>(in.below(6));
    node n{how, parent, {}, {}, {}, 0, {}, 0, 0, 0};
    const b::context up = parent < 0 ? b::background() : at(parent).ctx;
    switch (how) {
      case node::kind::cancel: take(n, b::with_cancel(up)); break;
      case node::kind::cancel_cause: {
        auto [ctx, cancel] = b::with_cancel_cause(up);
        n.ctx = ctx;
        n.cancel_cause = std::move(cancel);
        break;
      }
      case node::kind::value:
        n.key = in.below(2);
        n.value = static_cast<int>(in.below(200)) + 1;
        n.ctx = b::with_value(up, keys[n.key], n.value);
        break;
      case node::kind::without_cancel: n.ctx = b::without_cancel(up); break;
      case node::kind::past:
        take(n, b::with_deadline(up, std::chrono::steady_clock::now() - 1s));
        end(n, b::errc::deadline_exceeded, 0);
        break;
      case node::kind::future: take(n, b::with_timeout(up, 1h)); break;
    }
    nodes_.push_back(std::move(n));
  }

  void cancel(input& in) {
    if (nodes_.empty()) return;
    node& n = at(static_cast<int>(in.below(static_cast<unsigned>(nodes_.size()))));
    const int cause = static_cast<int>(in.below(3));
    const bool drops = in.below(2) == 0;
    if (n.how == node::kind::cancel_cause) {
      if (cause != 0) {
        n.cancel_cause(numbered{cause});
      } else if (drops) {
        n.cancel_cause = {};
      } else {
        n.cancel_cause();
      }
      end(n, b::errc::canceled, cause);
    } else if (n.how != node::kind::value && n.how != node::kind::without_cancel) {
      if (drops) {
        n.cancel = {};
      } else {
        n.cancel();
      }
      end(n, b::errc::canceled, 0);
    }
  }

  void after(input& in) {
    if (nodes_.empty() || calls_.size() >= 20) return;
    call& c = *calls_.emplace_back(std::make_unique<call>());
    c.at = static_cast<int>(in.below(static_cast<unsigned>(nodes_.size())));
    c.stop = b::after_func(at(c.at).ctx, [&c] { ++c.runs; });
  }

  void stop(input& in) {
    if (calls_.empty()) return;
    call& c = *calls_[in.below(static_cast<unsigned>(calls_.size()))];
    const bool has_ended = ending_of(c.at) != nullptr;
    expect(c.stop() == (!has_ended && !c.stopped), "stop prevents a run once, while it lives");
    c.stopped = c.stopped || !has_ended;
  }

  void check() const {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const node& n = nodes_[i];
      const node* ending = ending_of(static_cast<int>(i));
      const std::error_code error =
          ending != nullptr ? std::error_code(ending->error) : std::error_code();
      expect(n.ctx.err() == error, "the error is that of the first ending on the way up");
      for (unsigned key = 0; key < 2; ++key) {
        const int* value = n.ctx.value(keys[key]);
        expect((value != nullptr ? *value : 0) == value_of(static_cast<int>(i), key),
               "the value is the nearest one on the way up");
      }
      expect(n.ctx.deadline().has_value() == has_deadline(static_cast<int>(i)),
             "a deadline above counts");
    }
  }

  /// At the end, since looking into an exception takes long.
  void check_causes() const {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      check_cause(nodes_[i].ctx.cause(), ending_of(static_cast<int>(i)));
    }
  }

  void check_calls() const {
    for (const auto& c : calls_) {
      const bool runs = !c->stopped && ending_of(c->at) != nullptr;
      expect(c->runs == (runs ? 1 : 0), "it runs once if it was not stopped before the end");
    }
  }

  /// Children may go before their parents, and the other way round.
  void drop_handles(bool newest_first) {
    for (const auto& c : calls_) {
      c->stop();
      c->stop = {};
    }
    while (newest_first && !nodes_.empty()) nodes_.pop_back();
    nodes_.clear();
  }

 private:
  node& at(int i) { return nodes_[static_cast<std::size_t>(i)]; }
  const node& at(int i) const { return nodes_[static_cast<std::size_t>(i)]; }

  template <class Derived>
  static void take(node& n, Derived&& derived) {
    auto&& [ctx, cancel] = std::forward<Derived>(derived);
    n.ctx = ctx;
    n.cancel = std::move(cancel);
  }

  void end(node& n, b::errc error, int cause) {
    if (n.ended_at != 0) return;
    n.ended_at = ++endings_;
    n.error = error;
    n.cause = cause;
  }

  /// The first ending of this node or of one above it: what has ended once stays as it is.
  const node* ending_of(int i) const {
    const node* first = nullptr;
    for (; i >= 0; i = at(i).parent) {
      const node& n = at(i);
      if (n.ended_at != 0 && (first == nullptr || n.ended_at < first->ended_at)) first = &n;
      if (n.how == node::kind::without_cancel) break;
    }
    return first;
  }

  static void check_cause(const std::exception_ptr& cause, const node* ending) {
    expect((cause == nullptr) == (ending == nullptr), "there is a cause if it has ended");
    if (cause == nullptr) return;
    try {
      std::rethrow_exception(cause);
    } catch (const numbered& given) {
      expect(given.number == ending->cause, "the cause is that of the first ending");
    } catch (const std::system_error& e) {
      expect(ending->cause == 0 && e.code() == ending->error, "without a cause it is the error");
    }
  }

  int value_of(int i, unsigned key) const {
    for (; i >= 0; i = at(i).parent) {
      if (at(i).how == node::kind::value && at(i).key == key) return at(i).value;
    }
    return 0;
  }

  bool has_deadline(int i) const {
    for (; i >= 0 && at(i).how != node::kind::without_cancel; i = at(i).parent) {
      if (at(i).how == node::kind::past || at(i).how == node::kind::future) return true;
    }
    return false;
  }

  std::vector<node> nodes_;
  std::vector<std::unique_ptr<call>> calls_;
  int endings_ = 0;
};

b::task<> one(input& in) {
  world w;
  const bool newest_first = in.below(2) == 0;
  while (!in.empty()) {
    const unsigned choice = in.below(8);
    if (choice < 4) {
      w.derive(in);
    } else if (choice < 6) {
      w.cancel(in);
    } else if (choice == 6) {
      w.after(in);
    } else {
      w.stop(in);
    }
    w.check();
  }
  co_await until_quiet();
  w.check_causes();
  w.check_calls();
  w.drop_handles(newest_first);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  one_worker::run(data, size, one);
  return 0;
}
