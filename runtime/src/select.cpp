// SPDX-License-Identifier: MIT
#include <burrow/select.hpp>

#include <numeric>

namespace burrow::detail {

dynamic_select_awaiter::dynamic_select_awaiter(goroutine& g, std::span<select_case> cases,
                                               bool has_otherwise)
    : select_core(g),
      cases_(cases.size() <= most_cases ? cases.size()
                                        : throw std::length_error("select: more than 65536 cases")),
      sources_(cases.size()),
      order_(cases.size()),
      has_otherwise_(has_otherwise) {
  std::iota(order_.begin(), order_.end(), 0);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    waiter* node = cases[i].node_;
    if (node == nullptr) continue;
    if (node->who != nullptr) throw std::logic_error("select: a select_case was used twice");
    node->who = &g;
    node->case_index = static_cast<std::uint32_t>(i);
    cases_[i] = {node, cases[i].type_->prepare(*node), cases[i].type_};
  }
}

int dynamic_select_awaiter::await_resume() {
  const std::uint32_t i = finish();
  if (i < cases_.size()) cases_[i].type->result(*cases_[i].node);
  return static_cast<int>(i);
}

void dynamic_select_awaiter::list_sources(source_locks& locks) noexcept {
  for (const case_ref& c : cases_) locks.add(c.source);
}

std::uint32_t dynamic_select_awaiter::pick_ready() const noexcept {
  std::uint32_t picked = none;
  std::uint32_t ready = 0;
  for (std::uint32_t i = 0; i < count(); ++i) {
    const case_ref& c = cases_[i];
    if (c.source == nullptr || !c.type->ready(*c.node)) continue;
    ++ready;
    if (ready == 1 || runner().home->random() % ready == 0) picked = i;
  }
  return picked;
}

void dynamic_select_awaiter::enlist_all(worker& w, bool in_random_order) noexcept {
  for (std::uint32_t i = count(); in_random_order && i > 1; --i) {
    std::swap(order_[i - 1], order_[w.random() % i]);
  }
  for (const std::uint32_t i : order_) {
    const case_ref& c = cases_[i];
    if (c.source != nullptr) c.type->enlist(*c.node);
  }
}

void dynamic_select_awaiter::leave_all_but(std::uint32_t chosen) noexcept {
  for (std::uint32_t i = 0; i < count(); ++i) {
    const case_ref& c = cases_[i];
    if (i != chosen && c.source != nullptr) c.type->leave(*c.node);
  }
}

}  // namespace burrow::detail
