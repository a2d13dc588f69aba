"""Ed25519 keys: private ones that only their owner can read, public ones that a board knows by name."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.entry_files import Chain, KeyName, Signature
from uniavgen_bench.core.errors import InputError, NotInstalledError
from uniavgen_bench.core.located import read_given

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLIC = re.compile(r"ed25519 ([0-9a-f]{64})\n?\Z")
"""The one line of a public key file."""

ENDING = ".pub"


def _ed25519() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise NotInstalledError(
            "cryptography, which signs leaderboard entries,", extra="leaderboard"
        ) from None


@dataclass(frozen=True)
class SigningKey:
    """A private key and the name under which the board knows it."""

    name: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public key as 64 hexadecimal digits."""
        return self.private.public_key().public_bytes_raw().hex()

    def sign(self, chain: Chain) -> Signature:
        """Sign the head of a chain together with the key's name."""
        value = self.private.sign(message(chain, self.name, self.public)).hex()
        return Signature(key=self.name, public=self.public, value=value)


def message(chain: Chain, name: str, public: str) -> bytes:
    """Return the bytes that are signed."""
    return f"uniavgen-bench leaderboard entry\n{chain.head}\n{name}\n{public}\n".encode()


def signature_holds(chain: Chain, signature: Signature) -> bool:
    """Tell whether a signature is over this chain by the public key that it names.

    Raises:
        NotInstalledError: the extra `leaderboard` is not installed.
    """
    _ed25519()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature.public))
        key.verify(bytes.fromhex(signature.value), message(chain, signature.key, signature.public))
    except (InvalidSignature, ValueError):
        return False
    return True


def new_key(path: Path) -> Path:
    """Write a new private key, readable by its owner alone, and its public half beside it; return the latter's path.

    Raises:
        InputError: either file exists, or cannot be written.
        NotInstalledError: the extra `leaderboard` is not installed.
    """
    _ed25519()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    public = path.with_name(path.name + ENDING)
    for file in (path, public):
        if file.is_symlink() or file.exists():
            raise InputError(f"{file} exists: a key is never overwritten", way_out="name another file")
    key = Ed25519PrivateKey.generate()
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(data)
        write_atomic(public, f"ed25519 {key.public_key().public_bytes_raw().hex()}\n".encode())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return public


def read_key(path: Path, known: dict[str, str]) -> SigningKey:
    """Read a private key; its name is the board's, or the file's where the board does not know it yet.

    Raises:
        InputError: no such file, others can read it, it is no Ed25519 key, or its name cannot be one of a key.
        NotInstalledError: the extra `leaderboard` is not installed.
    """
    _ed25519()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        way_out = (
            f"uniavgen-bench leaderboard key new {path}" if isinstance(error, FileNotFoundError) else None
        )
        raise InputError(f"{path} cannot be read: {error.strerror}", way_out=way_out) from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path} can be read by others, so it is no secret", way_out=f"chmod 600 {path}")
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is no private key: {str(error).splitlines()[0][:80]}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} is no Ed25519 key", way_out="uniavgen-bench leaderboard key new FILE")
    public = key.public_key().public_bytes_raw().hex()
    name = next((name for name, other in known.items() if other == public), path.stem.lower())
    try:
        TypeAdapter(KeyName).validate_python(name)
    except ValidationError:
        what = f"{path}: {name!r} cannot be the name of a key"
        raise InputError(what, way_out="letters a-z, digits, '.', '_' and '-'") from None
    return SigningKey(name, key)


def read_public_keys(folder: Path) -> dict[str, str]:
    """Read the public keys of a board by name; none when the folder is absent.

    Raises:
        InputError: a file is no public key, its name cannot be one of a key, or two files hold the same key.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.glob(f"*{ENDING}")):
        try:
            match = PUBLIC.match(read_given(path)[:200].decode("ascii", "replace"))
            name = TypeAdapter(KeyName).validate_python(path.name.removesuffix(ENDING))
        except ValidationError:
            raise InputError(
                f"{path}: its name cannot be one of a key (a-z, digits, '.', '_', '-')"
            ) from None
        if match is None:
            raise InputError(
                f"{path} is no public key", way_out="one line: ed25519 and 64 hexadecimal digits"
            )
        for other, public in found.items():
            if public == match[1]:
                raise InputError(f"{path} holds the key of {other!r} again: one key, one name")
        found[name] = match[1]
    return found
