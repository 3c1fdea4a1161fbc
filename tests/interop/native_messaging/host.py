# SPDX-License-Identifier: Apache-2.0
"""A native-messaging host made with nativemessaging-ng: each message comes back, with "seen" added."""

import nativemessaging

while message := nativemessaging.get_message():
    nativemessaging.send_message({**message, "seen": "python"})
