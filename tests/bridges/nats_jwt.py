# SPDX-License-Identifier: Apache-2.0
"""Users of a nats-server that trusts an operator: what `nsc` makes, made of openssl's Ed25519 and NATS's description of NKeys."""

import base64
import hashlib
import json
import os
import subprocess
import tempfile
import time

_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # of an Ed25519 key, which follows
_KINDS = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
_SEED = 18 << 3
_UNLIMITED = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1,
              "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}  # fmt: skip


def _crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
            crc &= 0xFFFF
    return crc


def _text(data):
    return base64.b32encode(data + _crc16(data).to_bytes(2, "little")).decode().rstrip("=")


def _url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    def __init__(self, kind):
        self.kind, self._private = kind, os.urandom(32)
        public = self._openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", input=_PKCS8 + self._private)[-32:]
        self.public = _text(bytes([_KINDS[kind]]) + public)
        prefix = _KINDS[kind]
        self.seed = _text(bytes([_SEED | prefix >> 5, (prefix & 31) << 3]) + self._private)

    def _openssl(self, *words, input=b""):
        return subprocess.run(["openssl", *words], input=input, capture_output=True, check=True).stdout

    def sign(self, data):
        with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as text:
            key.write(_PKCS8 + self._private)
            text.write(data)
            key.flush(), text.flush()
            return self._openssl("pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key.name, "-in", text.name)

    def jwt(self, subject, name, **of_nats):
        """What this key says of another one."""
        claims = {"iat": int(time.time()), "iss": self.public, "sub": subject.public, "name": name}
        claims["nats"] = {"type": subject.kind, "version": 2, **of_nats}
        claims["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).decode().rstrip("=")
        text = ".".join(_url64(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims))
        return f"{text}.{_url64(self.sign(text.encode()))}"


class Operator:
    """With one account, which may use JetStream, and another one for the server itself."""

    def __init__(self):
        self._key, self._account, system = Key("operator"), Key("account"), Key("account")
        accounts = {key.public: self._key.jwt(key, name, limits=_UNLIMITED) for key, name in ((self._account, "test"), (system, "SYS"))}
        # The server's own account has no JetStream.
        accounts[system.public] = self._key.jwt(system, "SYS", limits={**_UNLIMITED, "mem_storage": 0, "disk_storage": 0})
        preload = "\n".join(f"  {public}: {jwt}" for public, jwt in accounts.items())
        self.settings = f"""operator: {self._key.jwt(self._key, "operator")}
system_account: {system.public}
resolver: MEMORY
resolver_preload: {{
{preload}
}}"""

    def user(self):
        """(its key, its JWT)"""
        key = Key("user")
        return key, self._account.jwt(key, "user", subs=-1, data=-1, payload=-1)


def creds(key, jwt):
    """A credentials file."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{key.seed}\n------END USER NKEY SEED------\n"
    )


def login(key, jwt):
    """What nats_client.Client is given for it."""
    return {"jwt": jwt, "sign": lambda nonce: _url64(key.sign(nonce.encode()))}
