#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Print crypto_vectors.h: known answers computed without libsodium.

BLAKE2b is Python's hashlib; X25519, Ed25519, ChaCha20-Poly1305 and Argon2id
are those of pyca/cryptography (OpenSSL); HChaCha20 and SipHash are written
down here from draft-irtf-cfrg-xchacha-03 and the paper of Aumasson and
Bernstein. Run it by hand when a vector is added.
"""
import hashlib
import struct
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey, X25519PublicKey)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


def fill(start, n):
    """The n bytes start, start + 1, ... as the tests make them."""
    return bytes((start + i) & 255 for i in range(n))


def blake2b(size, key, message, **more):
    return hashlib.blake2b(message, digest_size=size, key=key, **more).digest()


def rotl(x, n, bits):
    return ((x << n) | (x >> (bits - n))) & ((1 << bits) - 1)


def hchacha20(key, nonce16):
    s = list(struct.unpack('<16I', b'expand 32-byte k' + key + nonce16))

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12),
                           (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xffffffff
            s[z] = rotl(s[z] ^ s[x], n, 32)
    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack('<8I', *s[:4], *s[12:])


def xchacha_seal(key, nonce, plain, aad):
    sub = hchacha20(key, nonce[:16])
    return ChaCha20Poly1305(sub).encrypt(bytes(4) + nonce[16:], plain, aad)


def siphash24(key, data):
    k0, k1 = struct.unpack('<QQ', key)
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
         k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]

    def rounds(n):
        for _ in range(n):
            for a, b, r in ((0, 1, 13), (2, 3, 16)):
                v[a] = (v[a] + v[b]) & (2**64 - 1)
                v[b] = rotl(v[b], r, 64) ^ v[a]
            v[0] = rotl(v[0], 32, 64)
            for a, b, r in ((2, 1, 17), (0, 3, 21)):
                v[a] = (v[a] + v[b]) & (2**64 - 1)
                v[b] = rotl(v[b], r, 64) ^ v[a]
            v[2] = rotl(v[2], 32, 64)
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for i in range(0, len(padded), 8):
        m, = struct.unpack_from('<Q', padded, i)
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 0xff
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def padme(n):
    if n < 2:
        return n
    e = n.bit_length() - 1
    low = e - e.bit_length()
    return (n + (1 << low) - 1) >> low << low


def kem(psk, repository, domain, epoch, kind, esk, rsk):
    e = X25519PrivateKey.from_private_bytes(esk)
    r = X25519PrivateKey.from_private_bytes(rsk)
    epk = e.public_key().public_bytes_raw()
    rpk = r.public_key().public_bytes_raw()
    s = e.exchange(X25519PublicKey.from_public_bytes(rpk))
    return blake2b(32, psk, b'varve-kem-v1' + repository + struct.pack(
        '<HIB', domain, epoch, kind) + epk + rpk + s)


def show(name, data):
    print('static const uint8_t %s[] = {' % name)
    for i in range(0, len(data), 12):
        row = ', '.join('0x%02x' % b for b in data[i:i + 12])
        print('    %s,' % row)
    print('};')


def main():
    key = fill(0x40, 32)
    print('/* SPDX-License-Identifier: BSD-2-Clause */')
    print('/* Made by crypto_vectors.py; see there. */')
    print('#include <stdint.h>\n')
    show('kat_blake2b_256', blake2b(32, b'', b'varve'))
    show('kat_blake2b_512_keyed', blake2b(64, key, fill(0, 200)))
    show('kat_blake2b_64_keyed', blake2b(8, key, b'host\0label'))
    print('static const uint64_t kat_siphash[] = {')
    for n in (0, 7, 15, 64):
        print('    0x%016x,' % siphash24(key[:16], fill(0, n)))
    print('};')
    print('static const uint64_t kat_padme[][2] = {')
    for n in (0, 1, 2, 7, 8, 9, 17, 100, 129, 4097, 2**20 + 1, 2**32 - 1,
              2**62 + 1, 2**63):
        print('    {UINT64_C(%d), UINT64_C(%d)},' % (n, padme(n)))
    print('};')
    # crypto_kdf: keyed BLAKE2b of nothing, the id as salt, the context as
    # personalization.
    ids = ((1, 0, 0), (10, 0x1234, 0x89abcdef))
    for i, (what, domain, epoch) in enumerate(ids):
        salt = struct.pack('<Q', what | domain << 16 | epoch << 32)
        show('kat_derive_%d' % i, blake2b(32, key, b'', salt=salt + bytes(8),
                                          person=b'varve-k1' + bytes(8)))
    show('kat_argon2id', Argon2id(salt=fill(0x10, 16), length=64, iterations=2,
                                  lanes=1, memory_cost=64).derive(b'pass word'))
    show('kat_frame', xchacha_seal(key, fill(0x80, 24), fill(0, 100),
                                   b'VF\x01\x02'))
    head, clear = fill(0, 64), b'clear part'
    plain = b'sealed plaintext of a block' * 5
    inner = struct.pack('<I', len(plain)) + plain
    inner += bytes(padme(len(inner)) - len(inner))
    nonce = fill(0xa0, 24)
    sealed = nonce + xchacha_seal(key, nonce, inner, head + b'\x01' + clear)
    show('kat_block', struct.pack('<I', len(sealed)) + sealed)
    # Blocks whose padding or inner length no honest writer makes.
    for name, bad in (('pad', inner[:-1] + b'\x01'),
                      ('length', struct.pack('<I', len(inner) - 3) +
                       inner[4:])):
        sealed = nonce + xchacha_seal(key, nonce, bad, head + b'\x01' + clear)
        show('bad_block_' + name, struct.pack('<I', len(sealed)) + sealed)
    show('kat_public', X25519PrivateKey.from_private_bytes(
        fill(0x20, 32)).public_key().public_bytes_raw())
    show('kat_kem', kem(key, fill(0xc0, 32), 0x0102, 0x03040506, 3,
                        fill(0x60, 32), fill(0x20, 32)))
    signer = Ed25519PrivateKey.from_private_bytes(fill(0x20, 32))
    public = signer.public_key().public_bytes_raw()
    record = struct.pack('<BH', 1, 96) + public
    digest = blake2b(32, b'', b'the object' + record)
    record += signer.sign(b'varve-sig-v1' + digest)
    show('kat_signature', record + struct.pack('<I', len(record)))


main()
