# SPDX-License-Identifier: Apache-2.0
"""Handlers and sources in Python for Standpipe, a local message hub. The hub's plugin `exec` runs them.

    import standpipe

    class Shout(standpipe.Handler):
        def handle(self, message):
            if not message.payload:
                raise standpipe.Reject("it is empty")
            self.emit(message.payload.upper())

    if __name__ == "__main__":
        Shout().run()
"""

from standpipe.handler import Disconnected, Fatal, Handler, Message, Outcome, Reject, Retry
from standpipe.source import Put, Source

__all__ = ["Disconnected", "Fatal", "Handler", "Message", "Outcome", "Put", "Reject", "Retry", "Source"]
