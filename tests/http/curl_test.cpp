// SPDX-License-Identifier: MIT
// The server as curl sees it, where curl is installed; the program is run on a thread that may
// block, and bounded by its own --max-time.
#include "http_test.hpp"

#include <command.hpp>

using namespace http_test;

namespace {

/// What `curl ARGUMENTS` prints.
task<std::string> curl(std::string arguments) {
  co_return co_await output_of("curl --silent --show-error --max-time 60 --noproxy '*' " +
                               arguments);
}

}  // namespace

TEST_CASE("curl: keep-alive, bodies with a length and in chunks, 100 Continue, HEAD, errors") {
  if (!has_program("curl")) {
    MESSAGE("curl is not installed: this case is left out");
    return;
  }
  run_test(2, []() -> task<> {
    auto options = options_with(echo);
    options.body_limit = 1 << 20;
    running_server s(std::move(options), co_await any_port());
    const std::string url = "http://" + s.where();
    const std::string two = co_await curl("-w '%{num_connects};' " + url + "/a " + url + "/b");
    CHECK(two == "GET /a 1;GET /b 0;");
    const std::string posted = co_await curl("-d body " + url + "/p");
    CHECK(posted == "POST /p body");
    const std::string chunked =
        co_await curl("-H 'Transfer-Encoding: chunked' -d in-chunks " + url + "/c");
    CHECK(chunked == "POST /c in-chunks");
    const std::string waited = co_await curl("-H 'Expect: 100-continue' -d waited " + url + "/w");
    CHECK(waited == "POST /w waited");
    const std::string head = co_await curl("-I " + url + "/h");
    CHECK(has(head, "200 OK"));
    const std::string large = co_await curl(
        "-o /dev/null -w '%{http_code}' -H 'Expect:' -H 'Content-Length: 2000000' -d x " + url);
    CHECK(large == "413");
    const std::string old = co_await curl("--http1.0 " + url + "/old");
    CHECK(old == "GET /old ");
    co_await s.stop();
  });
}
