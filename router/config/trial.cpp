// SPDX-License-Identifier: Apache-2.0
#include "config/trial.h"

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

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

// A handler or a source plugin.
struct Instance {
  const char* kind;
  const deliver::HandlerOptions* options;
  Spot spot;
  std::string text() const { return std::string(kind) + " '" + options->name + "'"; }
};

std::vector<Instance> instances_of(const Sources& sources, const Handlers& handlers) {
  std::vector<Instance> all;
  for (std::size_t i = 0; i < sources.options.size(); ++i)
    if (const auto& source = sources.options[i]; source.origin == source::Origin::plugin)
      all.push_back({"source", &sources.plugins[source.from], sources.names.spot(i)});
  for (std::size_t i = 0; i < handlers.options.size(); ++i)
    all.push_back({"handler", &handlers.options[i], handlers.names.spot(i)});
  return all;
}

// Makes an instance and discards it. A source is made, and discarded, by functions like a
// handler's, so here it passes for one.
plugin::Answer make(const deliver::HandlerOptions& options, plugin::HostServices& host) {
  auto plugin = *options.plugin;
  auto abi = *plugin.abi;
  standpipe_handler as_handler{};
  if (options.is_source) {
    as_handler.size = sizeof as_handler;
    as_handler.create = abi.source->create;
    as_handler.destroy = abi.source->destroy;
    abi.handler = &as_handler;
    plugin.abi = &abi;
  }
  plugin::Handler handler(plugin, options.name, host);
  return handler.create(options.values);
}

// The first instance from `first` on that ends its process when it is made, and how; nothing: all
// return. They are made in one child, which reports where it is.
std::optional<std::pair<std::size_t, std::string>> first_fault(
    const std::vector<Instance>& instances, std::size_t first, const Counter& at) {
  const auto fault = plugin::fault_in_child([&] {
    NoHost host;
    for (auto i = first; i < instances.size(); ++i) {
      at.set(i);
      (void)make(*instances[i].options, host);
    }
  });
  if (!fault) return std::nullopt;
  return std::pair(at.get(), *fault);
}

// A reason that begins with an option's name ("path: ...") is shown where that was given.
void complain(Context& context, const Instance& instance, const std::string& reason) {
  const auto given =
      context.option_spots.find({instance.options->name, reason.substr(0, reason.find(':'))});
  const bool is_option = given != context.option_spots.end();
  context.error(is_option ? given->second : instance.spot, "plugin-refuses",
                instance.text() + ": " + reason,
                is_option ? "its plugin refuses this" : "its plugin refuses these options");
}

}  // namespace

void try_plugins(Context& context, const Sources& sources, const Handlers& handlers) {
  const auto instances = instances_of(sources, handlers);
  std::set<std::size_t> faulty;
  const Counter at;
  for (std::size_t first = 0; at.works() && first < instances.size();) {
    const auto fault = first_fault(instances, first, at);
    if (!fault) break;
    const auto& [which, what] = *fault;
    context.error(instances[which].spot, "plugin-crashes",
                  instances[which].text() + ": its plugin " + what + " when it was made",
                  "with these options; that is a mistake in the plugin");
    faulty.insert(which);
    first = which + 1;
  }
  NoHost host;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    if (faulty.contains(i)) continue;
    const auto made = make(*instances[i].options, host);
    if (!made.ok()) complain(context, instances[i], made.reason);
  }
}

}  // namespace standpipe::config
