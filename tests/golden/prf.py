# SPDX-License-Identifier: BSD-2-Clause
"""The hash of the chunker prf by the words of varve-repository(5), bit by bit,
with AES by its standard (FIPS 197)."""
import hashlib

MASK = 2**64 - 1


def times(a, b, polynomial, bits):
    """Product of two polynomials over GF(2)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a >> bits:
            a ^= polynomial
        b >>= 1
    return product


def make_sbox():
    box = []
    for i in range(256):
        inverse = next((j for j in range(256)
                        if times(i, j, 0x11b, 8) == 1), 0)
        value = 0x63
        for shift in range(5):
            value ^= (inverse << shift | inverse >> (8 - shift)) & 255
        box.append(value)
    return box


SBOX = make_sbox()
DOUBLE = [times(i, 2, 0x11b, 8) for i in range(256)]


def round_keys(key):
    words = [list(key[i:i + 4]) for i in range(0, 16, 4)]
    constant = 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= constant
            constant = DOUBLE[constant]
        words.append([a ^ b for a, b in zip(words[-4], word)])
    return [sum(words[i:i + 4], []) for i in range(0, 44, 4)]


def aes(keys, block):
    state = [a ^ b for a, b in zip(block, keys[0])]
    for n, key in enumerate(keys[1:], 1):
        state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if n < 10:
            mixed = []
            for at in range(0, 16, 4):
                a, b, c, d = state[at:at + 4]
                mixed += [DOUBLE[a ^ b] ^ b ^ c ^ d, DOUBLE[b ^ c] ^ c ^ d ^ a,
                          DOUBLE[c ^ d] ^ d ^ a ^ b, DOUBLE[d ^ a] ^ a ^ b ^ c]
            state = mixed
        state = [a ^ b for a, b in zip(state, key)]
    return bytes(state)


class Prf:
    """Hashes of positions."""

    POLYNOMIAL = 1 << 64 | 0x1b

    def __init__(self, key):
        self.t = [hashlib.blake2b(b"varve-prf" + bytes([i]), key=key)
                  .digest()[:16] for i in range(256)]
        self.keys = round_keys(hashlib.blake2b(b"varve-prf-aes", key=key)
                               .digest()[:16])

    def hash(self, window):
        """Of 64 bytes."""
        digest = b""
        for half in (0, 8):
            h = 0
            for b in window:
                h <<= 1
                if h >> 64:
                    h ^= self.POLYNOMIAL
                h ^= int.from_bytes(self.t[b][half:half + 8], "little")
            digest += h.to_bytes(8, "little")
        return int.from_bytes(aes(self.keys, digest)[:8], "little")
