// SPDX-License-Identifier: MIT
#include <burrow/select.hpp>

namespace burrow::detail {

dynamic_select_awaiter::dynamic_select_awaiter(goroutine& g, std::span<select_case> cases,
                                               bool has_otherwise)
    : cases_(cases.size() <= most_cases ? cases.size()
                                        : throw std::length_error("select: more than 65536 cases")),
      order_(cases.size()),
      core_(cases_.data(), order_.data(), static_cast<std::uint32_t>(cases.size()), has_otherwise),
      g_(g) {
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
  const std::uint32_t i = core_.finish(g_);
  if (i < cases_.size()) cases_[i].type->result(*cases_[i].node);
  return static_cast<int>(i);
}

}  // namespace burrow::detail
