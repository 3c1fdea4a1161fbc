// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "client.h"
#include "json.h"

// What is wrong with a reply, and so what becomes of the request.
struct Trouble {
  enum class Kind {
    none,
    busy,      // SQS is overloaded or failing: the same request again, later
    broken,    // nobody knows what became of it: once more, and then it is an outage
    lost,      // an outage
    fatal,     // only a person can mend it
    too_long,  // of a batch: it has to be smaller
    refused    // something in the request is wrong
  };
  explicit operator bool() const { return kind != Kind::none; }
  // Throws standpipe::fatal if a person has to act (`refused` too), else disconnected.
  [[noreturn]] void raise() const;

  Kind kind = Kind::none;
  std::string text = {};
  bool is_access_denied = false;  // a fatal one: the credentials are right, and may not do this
};

// For messages to people.
struct Where {
  std::string queue;
  std::string region;
  std::string url;
  std::string credentials;              // where they are from
  bool credentials_may_change = false;  // so that expired ones are worth another look
};

Trouble trouble_of(const Reply& reply, JsonReader& reader, const Where& where);
