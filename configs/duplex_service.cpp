// SPDX-License-Identifier: Apache-2.0
//
// The service of duplex.yaml: {"n":6} is answered by {"square":36}. What it does not understand, it
// says. A request is acknowledged when its answer is sent, so one that this service dies of, or in,
// goes to another service.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <standpipe/client.hpp>
#include <string>

namespace {

std::string answer(std::string_view request) {
  standpipe_text n{};
  if (standpipe_json_member({request.data(), request.size()}, "n", &n) != 1)
    return R"({"error":"there is no number in it"})";
  const auto number = std::atoll(std::string(n.data, n.size).c_str());
  return R"({"square":)" + std::to_string(number * number) + "}";
}

void serve() {
  standpipe::Worker requests("/tmp/standpipe-service");
  standpipe::Sender answers("/tmp/standpipe-answers");
  while (const auto request = requests.receive()) {
    try {
      standpipe::reply(answers, request->text, answer(request->text));
    } catch (const std::system_error& e) {
      if (e.code() != std::errc::no_message) throw;  // it says nobody who could get an answer
    }
    requests.acknowledge();
  }
}

}  // namespace

int main() {
  try {
    serve();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "service: %s\n", e.what());
    return 1;
  }
}
