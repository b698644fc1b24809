// SPDX-License-Identifier: MIT
#include "page.hpp"

namespace web {

const std::string_view page = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>burrow: requests as trees of goroutines</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --soft: #8881;
          --running: #2f7de1; --finished: #2e9e5b; --cancelled: #d9534f; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
         padding: 0 1rem; }
  h1 { font-size: 1.35rem; margin: 0 0 .2rem; }
  p { margin: .3rem 0; }
  form { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end; margin: 1rem 0; }
  label { display: grid; font-size: .85rem; }
  input { width: 7rem; }
  input, button { font: inherit; padding: .25rem .6rem; border-radius: .4rem;
                  border: 1px solid var(--line); }
  button { cursor: pointer; }
  code { background: var(--soft); padding: .1rem .3rem; border-radius: .3rem; }
  #totals { font-variant-numeric: tabular-nums; }
  article { border: 1px solid var(--line); border-left: 5px solid var(--running);
            border-radius: .5rem; padding: .6rem .9rem; margin: .8rem 0; }
  header { display: flex; justify-content: space-between; align-items: center; gap: 1rem; }
  article[data-state=finished] { border-left-color: var(--finished); }
  article[data-state=cancelled] { border-left-color: var(--cancelled); }
  ul { list-style: none; margin: 0; padding-left: 1.3rem; }
  article > ul { padding-left: 0; }
  li > span::before { content: ""; display: inline-block; width: .65em; height: .65em;
                      border-radius: 50%; margin-right: .5em; background: var(--running); }
  li[data-state=running] > span::before { animation: pulse 1s infinite alternate; }
  li[data-state=finished] > span::before { background: var(--finished); }
  li[data-state=cancelled] > span::before { background: var(--cancelled); }
  li[data-state=cancelled] > span { text-decoration: line-through; opacity: .75; }
  small { margin-left: .6em; opacity: .6; }
  .end { font-size: .9rem; }
  @keyframes pulse { to { opacity: .25; } }
</style>
</head>
<body data-live="no">
<h1>Requests as trees of goroutines</h1>
<p>A handler fans out to a database and an RPC, which start goroutines of their own. Cancel it, let
its deadline pass, or go away: all of them end at once.</p>
<form id="new">
  <label>takes, ms <input name="ms" type="number" min="0" max="3600000" value="6000"></label>
  <label>deadline, ms <input name="deadline" type="number" min="0" max="3600000"
    placeholder="none"></label>
  <button id="start">Start a request</button>
</form>
<p>As a client that goes away: <code id="curl"></code>, then Ctrl-C.</p>
<p id="totals">connecting</p>
<main id="requests"></main>
<script>
"use strict";
const at = id => document.getElementById(id);
at("curl").textContent = `curl '${location.origin}/work?ms=60000'`;

// A browser opens six connections to a host; one is for the events, and one for the buttons.
let mine = 0;
at("new").addEventListener("submit", async event => {
  event.preventDefault();
  const asked = new FormData(event.target);
  at("start").disabled = ++mine >= 4;
  try {
    await fetch("/work?" + new URLSearchParams(asked), { cache: "no-store" });
  } catch { /* the events tell what has become of it */ }
  at("start").disabled = --mine >= 4;
});

function make(kind, text = "") {
  return Object.assign(document.createElement(kind), { textContent: text });
}

function branch({ tree, reason }, parent) {
  const list = make("ul");
  const children = [...tree.entries()].filter(([, goroutine]) => goroutine.parent === parent);
  children.sort(([, a], [, b]) => a.name.localeCompare(b.name));
  children.forEach(([index, goroutine]) => {
    const item = make("li");
    item.dataset.state = goroutine.state;
    const why = goroutine.state === "cancelled" ? `: ${reason}` : "";
    item.append(make("span", goroutine.name), make("small", goroutine.state + why));
    if (tree.some(other => other.parent === index)) item.append(branch({ tree, reason }, index));
    list.append(item);
  });
  return list;
}

function end(request) {
  if (!request.reason || request.state === "running") return request.reason || request.state;
  const n = request.tree.length, ms = (request.took_us / 1000).toFixed(2);
  return `${request.reason}: all ${n} goroutines had ended after ${ms} ms, and ` +
         `${request.given_back} connections were given back`;
}

function show(request) {
  const card = make("article"), head = make("header");
  card.id = `request-${request.id}`;
  card.dataset.state = request.state;
  card.dataset.reason = request.reason;
  head.append(make("strong", `Request ${request.id}: ${request.what}`));
  if (request.state === "running") {
    const button = make("button", "Cancel");
    button.className = "cancel";
    button.onclick = () => fetch(`/cancel/${request.id}`, { method: "POST" });
    head.append(button);
  }
  const told = make("p", end(request));
  told.className = "end";
  card.append(head, branch(request, -1), told);
  const old = at(card.id);
  if (old) old.replaceWith(card); else at("requests").prepend(card);
}

const events = new EventSource("/events");
events.onopen = () => {
  at("requests").replaceChildren();
  document.body.dataset.live = "yes";
};
events.onmessage = event => {
  const news = JSON.parse(event.data);
  at("totals").textContent = `${news.goroutines} goroutines run, ${news.lent} connections are lent`;
  news.requests.forEach(show);
};
events.onerror = () => {
  document.body.dataset.live = "no";
  at("totals").textContent = "The server has ended; waiting for another.";
};
</script>
</body>
</html>
)html";

}  // namespace web
