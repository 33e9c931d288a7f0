"""Claim codes: what a person types into a device, once. Pure."""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: none looks like another
NAME_CHARS, SECRET_CHARS = 8, 16  # 40 bits that name the code, 80 that nobody guesses within its hour
CHANCE_BYTES: Final = NAME_CHARS + SECRET_CHARS
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V", "-": None, " ": None})


def code_of(chance: bytes) -> str:
    """Return the code of CHANCE_BYTES of chance, five bits of each."""
    letters = "".join(ALPHABET[each & 31] for each in chance)
    return "-".join(letters[n : n + 4] for n in range(0, len(letters), 4))


def plain(code: str) -> str:
    """Return a code as it is compared: without dashes, and what people misread put right."""
    return code.upper().translate(_MISREAD)


def code_id(code: str) -> str:
    """Return what names a code and is no secret."""
    return plain(code)[:NAME_CHARS]


def is_code(code: str) -> bool:
    """Return whether this could be a code."""
    letters = plain(code)
    return len(letters) == CHANCE_BYTES and all(each in ALPHABET for each in letters)
