// SPDX-License-Identifier: MIT
#include "history.hpp"

#include <algorithm>

namespace linear {

namespace {

std::string name_of(const channel_case& c) {
  const std::string channel(1, static_cast<char>('a' + c.channel));
  return c.sends ? channel + ".send(" + std::to_string(c.value) + ")" : channel + ".recv()";
}

std::string name_of(const operation& o) {
  switch (o.what) {
    case verb::close: return std::string(1, static_cast<char>('a' + o.target)) + ".close()";
    case verb::cancel: return "cancel(ctx" + std::to_string(o.target) + ")";
    case verb::communicate: break;
  }
  std::string text;
  for (const channel_case& c : o.cases) text += (text.empty() ? "" : ", ") + name_of(c);
  if (o.has_otherwise) text += ", otherwise";
  if (o.target != none) text += ", ctx" + std::to_string(o.target);
  return o.cases.size() + (o.has_otherwise ? 1 : 0) > 1 ? "select(" + text + ")" : text;
}

std::string name_of(const operation& o, const outcome& result) {
  switch (result.how) {
    case ending::pending: return "never ended";
    case ending::closed:
      return result.which == none ? "closed" : "case " + std::to_string(result.which) + ": closed";
    case ending::canceled: return "canceled";
    case ending::nothing: return "nothing ready";
    case ending::done: break;
  }
  if (o.what != verb::communicate) return "done";
  std::string text = "case " + std::to_string(result.which);
  if (!o.cases[static_cast<std::size_t>(result.which)].sends) {
    text += ": " + std::to_string(result.value);
  }
  return text;
}

}  // namespace

std::string to_string(const history& h) {
  std::vector<const operation*> sorted;
  for (const operation& o : h.operations) sorted.push_back(&o);
  std::sort(sorted.begin(), sorted.end(),
            [](const operation* x, const operation* y) { return x->invoked < y->invoked; });
  std::string text = "capacity of a: " + std::to_string(h.capacity[0]) +
                     ", of b: " + std::to_string(h.capacity[1]) + "\n";
  for (const operation* o : sorted) {
    const std::string end = o->returned == never ? "..." : std::to_string(o->returned);
    text += "  [" + std::to_string(o->invoked) + ", " + end + "]  party " +
            std::to_string(o->party) + ": " + name_of(*o) + " -> " + name_of(*o, o->result) + "\n";
  }
  return text;
}

}  // namespace linear
