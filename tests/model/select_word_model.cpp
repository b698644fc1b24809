// SPDX-License-Identifier: MIT
// The select word: one claimer wins, who abandons and who waits cannot miss each other, and the
// winner owns the goroutine.
#include "checker.hpp"

#include <burrow/detail/goroutine.hpp>

using namespace burrow::detail;

namespace {

/// A goroutine that waits once. `leaf` is written before the wait, and read by whoever resumes it;
/// `resumed` is the queue by which it comes back.
struct waiting_goroutine {
  select_word word;
  int leaf = 0;
  int result = 0;
  atomic<int> resumed{0};
  int resumptions = 0;  // by whoever owns the goroutine

  void resume(int by) {
    model::check(leaf == 7, "the owner sees where to resume");
    ++resumptions;
    result = by;
    resumed.store(1, release);
  }
  /// False: it did not wait.
  bool wait(bool firm) {
    leaf = 7;
    if (!word.begin_wait(firm)) return false;
    while (resumed.load(acquire) == 0) resumed.wait(0, acquire);
    return true;
  }
  void wake(int by) {
    resume(by);
    resumed.notify_one();
  }
};

}  // namespace

MODEL(select_word_two_claimers, {.preemptions = 2, .stale_reads = 1}) {
  waiting_goroutine g;
  int won = 0;
  int also_won = 0;
  model::thread("goroutine", [&] {
    g.wait(false);
    model::check(g.word.claimed_case() == static_cast<unsigned>(g.result), "the winner's case");
  });
  const auto claimer = [&](int index, int& wins) {
    while (!g.word.claim(static_cast<unsigned>(index))) {
      if (g.word.claimed_case() != 0) return;
      model::pause();
    }
    ++wins;
    g.wake(index);
  };
  model::thread("claimer 1", [&] { claimer(1, won); });
  model::thread("claimer 2", [&] { claimer(2, also_won); });
  model::join();
  model::check(won + also_won == 1, "one claimer wins");
  model::check(g.resumptions == 1, "it was resumed once");
}

/// Abandonment, once, ends the wait or prevents it; or the claim was first.
MODEL(select_word_abandon, {}) {
  waiting_goroutine g;
  bool waited = false;
  bool claimed = false;
  model::thread("goroutine", [&] {
    waited = g.wait(false);
    if (waited && g.result == 9) {
      model::check(g.word.claimed_case() == select_word::abandoned_case, "it learns why");
    }
    model::check(waited || g.word.is_abandoned(), "it is refused only if it is abandoned");
  });
  model::thread("abandons", [&] {
    if (g.word.abandon()) g.wake(9);
  });
  model::thread("claims", [&] {
    claimed = g.word.claim(1);
    if (claimed) g.wake(1);
  });
  model::join();
  model::check(g.resumptions == (waited ? 1 : 0), "it was resumed once, if it waited");
  model::check(g.word.is_abandoned(), "the flag stays");
}

/// A firm wait is ended by its claimer alone, and the flag is not lost.
MODEL(select_word_firm, {}) {
  waiting_goroutine g;
  model::thread("goroutine", [&] {
    g.wait(true);
    model::check(g.result == 1, "abandonment does not end a join");
  });
  model::thread("abandons", [&] { model::check(!g.word.abandon(), "a firm wait stays"); });
  model::thread("claims", [&] {
    while (!g.word.claim(1)) model::pause();
    g.wake(1);
  });
  model::join();
  model::check(g.resumptions == 1, "it was resumed once");
  model::check(!g.word.begin_wait(false), "the next wait is refused");
}
