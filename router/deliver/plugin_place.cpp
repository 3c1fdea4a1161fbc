// SPDX-License-Identifier: Apache-2.0
#include "deliver/plugin_place.h"

#include <optional>
#include <utility>

#include "deliver/process_executor.h"

namespace standpipe::deliver {
namespace {

// What an earlier worker left.
std::unique_ptr<SharedCallPage> find_page(const HandlerOptions& options,
                                          const HandlerNeeds& needs) {
  if (!needs.children) return nullptr;
  auto kept = needs.children->link.retrieve(call_page_name(options.name));
  return kept ? std::make_unique<SharedCallPage>(std::move(*kept)) : nullptr;
}

}  // namespace

PluginPlace::PluginPlace(const HandlerOptions& options, std::size_t id, const HandlerNeeds& needs,
                         PluginHost& host, Call& call, const Makes& makes,
                         std::function<void()> completed)
    : options_(options),
      page_(find_page(options, needs)),
      caller_(options, id, host, call.flight(), makes.region, makes.wake_fd) {
  if (page_ && call.is_in_child()) call.fetch((*page_)->flight);
  executor_ = make_executor(needs, host, call, makes, std::move(completed));
}

std::unique_ptr<Executor> PluginPlace::make_executor(const HandlerNeeds& needs, PluginHost& host,
                                                     Call& call, const Makes& makes,
                                                     std::function<void()> completed) {
  const auto placement = options_.where();
  if (options_.departed) return std::make_unique<RejectingExecutor>(call.flight());
  if (placement == Placement::inline_) return std::make_unique<InlineExecutor>(caller_, call);
  if (placement == Placement::thread || !needs.children)
    return std::make_unique<ThreadExecutor>(caller_, std::move(completed));
  if (!page_) {
    page_ = std::make_unique<SharedCallPage>();
    needs.children->link.keep(call_page_name(options_.name), page_->fd());
  }
  call.use_child((*page_)->flight);
  return std::make_unique<ProcessExecutor>(options_, call.id(), needs, host, *page_,
                                           std::move(completed),
                                           makes.region ? makes.region->fd() : -1, makes.wake_fd);
}

}  // namespace standpipe::deliver
