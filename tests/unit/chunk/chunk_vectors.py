#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Print chunk_vectors.h: cut points by the words of chunk.h, rolling on from
the start of the data rather than from each cut. Run it by hand."""
import hashlib
import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "../../golden"))
from prf import Prf

MASK = 2**64 - 1
KEY = bytes(range(0x40, 0x60))
MIB = 1 << 20
SETS = (((64, 64, 256), 3 * MIB), ((1000, 4096, 16384), 3 * MIB),
        ((64 << 10, 256 << 10, 2 << 20), 3 * MIB))
# Python takes a second for 8,000 hashes.
PRF_SETS = (((64, 64, 256), 20000), ((1000, 4096, 16384), 200000),
            ((64, 2048, 32768), 50001))


def noise(seed, n):
    out = bytearray()
    for i in range(1, n + 1):
        z = (seed + i * 0x9e3779b97f4a7c15) & MASK
        z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & MASK
        z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
        out.append((z ^ (z >> 31)) >> 56)
    return out


def cuts(data, low, average, high):
    gear = [int.from_bytes(hashlib.blake2b(b'varve-gear' + bytes([i]), key=KEY)
                           .digest()[:8], 'little') for i in range(256)]
    bits = average.bit_length() - 1
    h = start = 0
    for i, b in enumerate(data):
        h = (2 * h + gear[b]) & MASK
        n = i + 1 - start
        need = bits + 2 if n < average * 7 // 8 else bits - 2
        if n == high or (n >= low and h >> (64 - need) == 0):
            yield n
            start = i + 1
    if start < len(data):
        yield len(data) - start


def prf_cuts(data, low, average, high):
    prf = Prf(KEY)
    bits = average.bit_length() - 1
    at = 0
    while at < len(data):
        end = min(len(data), at + high)
        for i in range(min(at + low, end), end + 1):
            need = bits + 2 if i - at < average * 7 // 8 else bits - 2
            if i == end or prf.hash(data[i - 64:i]) >> (64 - need) == 0:
                yield i - at
                at = i
                break


def main():
    data = noise(1, 3 << 20)
    print('/* SPDX-License-Identifier: BSD-2-Clause */')
    print('/* Made by chunk_vectors.py; see there. */')
    print('#include <stdint.h>\n')
    print('#include "chunk/chunk.h"\n')
    print('static const struct chunk_vector {')
    print('\tenum vrv_chunk_method method;')
    print('\tuint32_t bytes;')
    print('\tuint32_t min, average, max, chunks, first[10];')
    print('} chunk_vectors[] = {')
    for method, cutter, sets in (('GEAR', cuts, SETS),
                                 ('PRF', prf_cuts, PRF_SETS)):
        for sizes, n in sets:
            found = list(cutter(data[:n], *sizes))
            rows = [', '.join(map(str, found[i:i + 5])) for i in (0, 5)]
            print('    {VRV_CHUNK_%s, %d, %d, %d, %d, %d,'
                  % (method, n, *sizes, len(found)))
            print('\t{%s,\n\t    %s}},' % (rows[0], rows[1]))
    print('};')


main()
