// SPDX-License-Identifier: Apache-2.0
//
// standpipe/handler.hpp: the C functions of a handler class, which STANDPIPE_PLUGIN exports. No
// exception passes any of them. Part of plugin.hpp; not for plugins.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/instance.hpp>
#include <standpipe/message.hpp>
#include <standpipe/outcome.hpp>
#include <standpipe/text.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>

namespace standpipe::detail {

template <class T>
concept HandlesMessage = requires(T& t, const Message& m) {
  t.handle(m);
};
template <class T>
concept HandlesBatch = requires(T& t, Batch& b) {
  t.handle(b);
};

template <class T>
concept Ticks = requires(T& t) {
  t.tick();
};

// The C functions of a handler class, in the plugin that Plugin::description() describes.
template <class T, class Plugin>
struct HandlerFunctions {
  static_assert(HandlesMessage<T> || HandlesBatch<T>,
                "a handler needs handle(const Message&) or handle(Batch&)");

  static standpipe_handler table(std::uint32_t placement) {
    standpipe_handler handler{};
    handler.size = sizeof handler;
    handler.placement = placement;
    handler.create = Instance<T, Plugin>::create;
    handler.open = open;
    handler.handle = handle;
    handler.flush = flush;
    handler.close = Instance<T, Plugin>::close;
    handler.destroy = Instance<T, Plugin>::destroy;
    handler.reopen = reopen;
    if constexpr (Ticks<T>) handler.tick = tick;
    return handler;
  }

 private:
  static std::uint32_t open(void* self, standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      if constexpr (requires(T & t) { t.open(); }) static_cast<T*>(self)->open();
    });
  }
  static std::uint32_t flush(void* self, std::uint64_t deadline,
                             standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      if constexpr (requires(T & t) { t.flush(std::chrono::nanoseconds()); }) {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        static_cast<T*>(self)->flush(std::chrono::nanoseconds(deadline) - now);
      }
    });
  }
  static std::uint32_t reopen(void* self, standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      if constexpr (requires(T & t) { t.reopen(); }) static_cast<T*>(self)->reopen();
    });
  }

  static std::uint32_t tick(void* self, std::uint64_t now, std::uint64_t* next,
                            standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      if constexpr (Ticks<T>) {
        const std::optional<std::chrono::nanoseconds> pause = static_cast<T*>(self)->tick();
        if (pause) *next = now + static_cast<std::uint64_t>(std::max(*pause, {}).count());
      }
    });
  }

  static std::uint32_t handle(void* self, const standpipe_batch* batch,
                              standpipe_result* result) noexcept {
    auto& t = *static_cast<T*>(self);
    if constexpr (HandlesBatch<T>) {
      return handle_batch(t, *batch, *result);
    } else {
      return handle_messages(t, *batch, *result);
    }
  }

  // An exception concerns the messages from stop_at on; what was settled before that stands.
  static std::uint32_t handle_batch(T& t, const standpipe_batch& batch,
                                    standpipe_result& result) noexcept {
    Batch b(batch, result);
    const auto rest = [&] {
      return result.at == STANDPIPE_NOT_TOLD ? 0 : std::min(result.at, batch.count);
    };
    const auto settle_rest = [&](std::uint8_t outcome, std::string_view why) {
      std::memset(result.outcomes + rest(), outcome, batch.count - rest());
      result.at = batch.count;
      write_reason(result.reason, why);
      return std::uint32_t{STANDPIPE_OK};
    };
    const auto stop = [&](std::uint32_t answer, std::string_view why) {
      result.at = rest();
      write_reason(result.reason, why);
      return answer;
    };
    try {
      t.handle(b);
      return STANDPIPE_OK;
    } catch (const NoRoom& full) {  // what comes before that message is settled
      store_at(result, full.of);
      return STANDPIPE_OK;
    } catch (const reject& e) {
      return settle_rest(STANDPIPE_REJECT, e.what());
    } catch (const disconnected& e) {
      return stop(STANDPIPE_DISCONNECTED, e.what());
    } catch (const fatal& e) {
      return stop(STANDPIPE_FATAL, e.what());
    } catch (const std::exception& e) {  // retry, and anything unforeseen
      return settle_rest(STANDPIPE_RETRY, e.what());
    } catch (...) {
      return settle_rest(STANDPIPE_RETRY, kUnknownException);
    }
  }

  // Message by message. It stops after a retry, so that the order is kept, and after a rejected
  // message for whose reason there is no note left: then the next one has room for it.
  static std::uint32_t handle_messages(T& t, const standpipe_batch& batch,
                                       standpipe_result& result) noexcept {
    const Batch b(batch, result);
    std::uint32_t i = 0;
    const auto stop_after = [&] {
      store_at(result, i + 1);
      return std::uint32_t{STANDPIPE_OK};
    };
    const auto settle_and_stop = [&](std::uint8_t outcome, std::string_view why) {
      result.outcomes[i] = outcome;
      write_reason(result.reason, why);
      return stop_after();
    };
    const auto reject_and_stop = [&](std::string_view why) {
      result.outcomes[i] = STANDPIPE_REJECT;
      if (add_note(result, i, why)) return false;
      write_reason(result.reason, why);
      return true;
    };
    const auto stop_before = [&](std::uint32_t answer, std::string_view why) {
      store_at(result, i);
      write_reason(result.reason, why);
      return answer;
    };
    for (; i < batch.count; ++i) {
      store_at(result, i);
      try {
        if constexpr (std::same_as<decltype(t.handle(b[i])), Outcome>) {
          result.outcomes[i] = static_cast<std::uint8_t>(t.handle(b[i]));
          if (result.outcomes[i] == STANDPIPE_RETRY) return stop_after();
        } else {
          t.handle(b[i]);
        }
      } catch (const NoRoom&) {  // `at` is at this message
        return STANDPIPE_OK;
      } catch (const reject& e) {
        if (reject_and_stop(e.what())) return stop_after();
      } catch (const disconnected& e) {
        return stop_before(STANDPIPE_DISCONNECTED, e.what());
      } catch (const fatal& e) {
        return stop_before(STANDPIPE_FATAL, e.what());
      } catch (const std::exception& e) {  // retry, and anything unforeseen
        return settle_and_stop(STANDPIPE_RETRY, e.what());
      } catch (...) {
        return settle_and_stop(STANDPIPE_RETRY, kUnknownException);
      }
    }
    store_at(result, batch.count);
    return STANDPIPE_OK;
  }
};

}  // namespace standpipe::detail
