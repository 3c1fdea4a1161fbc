// SPDX-License-Identifier: Apache-2.0
#include "config/trial.h"

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "plugin/handler.h"
#include "plugin/trial.h"

namespace standpipe::config {
namespace {

// A host that does nothing.
class NoHost final : public plugin::HostServices {
 public:
  void log(std::uint32_t, std::string_view) override {}
  std::uint64_t now() override { return 0; }
  bool stopping() override { return false; }
  std::uint32_t add_fifo(const plugin::FifoOutputRequest&, std::string& why) override {
    why = "outputs can be added in open only";
    return 0;
  }
};

// A number that a child counts and its parent reads.
class Counter {
 public:
  Counter()
      : at_(::mmap(nullptr, sizeof(std::size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0)) {}
  ~Counter() {
    if (works()) ::munmap(at_, sizeof(std::size_t));
  }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  bool works() const { return at_ != MAP_FAILED; }
  void set(std::size_t number) const {
    std::atomic_ref(*static_cast<std::size_t*>(at_)).store(number);
  }
  std::size_t get() const { return std::atomic_ref(*static_cast<std::size_t*>(at_)).load(); }

 private:
  void* at_;
};

// The first handler from `first` on that ends its process when it is made, and how; nothing: all
// return. They are made in one child, which reports where it is.
std::optional<std::pair<std::size_t, std::string>> first_fault(const Handlers& handlers,
                                                               std::size_t first,
                                                               const Counter& at) {
  const auto fault = plugin::fault_in_child([&] {
    NoHost host;
    for (auto i = first; i < handlers.options.size(); ++i) {
      at.set(i);
      const auto& options = handlers.options[i];
      plugin::Handler handler(*options.plugin, options.name, host);
      (void)handler.create(options.values);
    }
  });
  if (!fault) return std::nullopt;
  return std::pair(at.get(), *fault);
}

// A reason that begins with an option's name ("path: ...") is shown where that was given.
void complain(Context& context, const Handlers& handlers, std::size_t which,
              const std::string& reason) {
  const auto& name = handlers.options[which].name;
  const auto given = context.option_spots.find({name, reason.substr(0, reason.find(':'))});
  const bool is_option = given != context.option_spots.end();
  context.error(is_option ? given->second : handlers.names.spot(which), "plugin-refuses",
                "handler '" + name + "': " + reason,
                is_option ? "its plugin refuses this" : "its plugin refuses these options");
}

}  // namespace

void try_handlers(Context& context, const Handlers& handlers) {
  std::set<std::size_t> faulty;
  const Counter at;
  for (std::size_t first = 0; at.works() && first < handlers.options.size();) {
    const auto fault = first_fault(handlers, first, at);
    if (!fault) break;
    const auto& [which, what] = *fault;
    context.error(
        handlers.names.spot(which), "plugin-crashes",
        "handler '" + handlers.options[which].name + "': its plugin " + what + " when it was made",
        "with these options; that is a mistake in the plugin");
    faulty.insert(which);
    first = which + 1;
  }
  NoHost host;
  for (std::size_t i = 0; i < handlers.options.size(); ++i) {
    if (faulty.contains(i)) continue;
    const auto& options = handlers.options[i];
    plugin::Handler handler(*options.plugin, options.name, host);
    const auto made = handler.create(options.values);
    if (!made.ok()) complain(context, handlers, i, made.reason);
  }
}

}  // namespace standpipe::config
