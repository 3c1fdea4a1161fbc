// SPDX-License-Identifier: Apache-2.0
#include "config/trial.h"

#include "plugin/handler.h"

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

}  // namespace

void try_handlers(Context& context, const Handlers& handlers) {
  NoHost host;
  for (std::size_t i = 0; i < handlers.options.size(); ++i) {
    const auto& options = handlers.options[i];
    plugin::Handler handler(*options.plugin, options.name, host);
    const auto made = handler.create(options.values);
    const Mistakes::Part part(context.mistakes, options.name);
    if (!made.ok())
      context.error(handlers.names.spot(i), "plugin-refuses", "handler '" + options.name + "': " + made.reason,
                    "its plugin refuses these options");
  }
}

}  // namespace standpipe::config
