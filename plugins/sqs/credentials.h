// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

// What requests are signed with.
struct Credentials {
  std::string access_key_id, secret_access_key;
  std::string session_token;  // of temporary credentials; else empty
  std::string from;           // where they were found, for messages to people
  bool may_change = false;    // they were read from a file, which may have newer ones by now
};

// Those of the options if these have any; else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and
// AWS_SESSION_TOKEN) of the environment; else those of `profile` in AWS's credentials file
// (AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials). Throws standpipe::fatal that says what to
// do.
Credentials find_credentials(const Credentials& of_options, const std::string& profile);
