// SPDX-License-Identifier: Apache-2.0
#include "keeper/service_manager.h"

#include <chrono>
#include <utility>

#include "keeper/notify.h"

namespace standpipe::keeper {

void ServiceManager::ready(const std::string& text) {
  if (!std::exchange(is_ready_, true)) notify("READY=1");
  end_reload();
  status(text.empty() ? "ready" : text);
}

void ServiceManager::begin_reload() {
  if (std::exchange(reloads_, true)) return;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady()).count();
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void ServiceManager::end_reload() {
  if (std::exchange(reloads_, false)) notify("READY=1");
}

void ServiceManager::stopping(const std::string& why) {
  if (std::exchange(knows_of_stop_, true) && why.empty()) return;
  notify("STOPPING=1" + (why.empty() ? "" : "\nSTATUS=" + why));
}

void ServiceManager::status(const std::string& text) { notify("STATUS=" + text); }

void ServiceManager::alive() { notify("WATCHDOG=1"); }

void ServiceManager::notify(const std::string& state) {
  const auto problem = notify_service_manager(state);
  if (!problem.empty() && !std::exchange(failed_, true)) reporter_.warning("notify", problem);
}

}  // namespace standpipe::keeper
