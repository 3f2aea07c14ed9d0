"""Request bodies are decompressed whatever coding a sender picks, and a hostile body costs bounded memory.

Proves cases 36-51 and 54-56 of the receiver's table: each name and format of each coding, stacked codings, truncation,
garbage, and bombs. The number beside a test is the number of the case.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.compression import SUPPORTED, decompress
from receiver.errors import Malformed, RefusedRequest, TooLarge, UnsupportedEncoding

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
LIMIT = 4 * MIB
PLAIN = b"a span, and another span, and " * 5000


def raw_deflate(plain: bytes) -> bytes:
    return zlib.compress(plain, wbits=-zlib.MAX_WBITS)


def zstd(plain: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(plain))


def zstd_stream(plain: bytes) -> bytes:
    """Make a frame that announces a window and not its content size, as a streaming sender does."""
    compressor = cramjam.zstd.Compressor()
    compressor.compress(plain)
    return bytes(compressor.finish())


def snappy_block(plain: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(plain))


def snappy_framed(plain: bytes) -> bytes:
    return bytes(cramjam.snappy.compress(plain)) or b"\xff\x06\x00\x00sNaPpY"


def lz4(plain: bytes) -> bytes:
    return bytes(cramjam.lz4.compress(plain))


FORMATS = [
    pytest.param("gzip", gzip.compress, id="36-gzip"),
    pytest.param("GZIP", gzip.compress, id="37-upper-case"),
    pytest.param("x-gzip", gzip.compress, id="37-x-gzip"),
    pytest.param(" gzip ", gzip.compress, id="37-spaces"),
    pytest.param("deflate", zlib.compress, id="39-deflate-zlib"),
    pytest.param("deflate", raw_deflate, id="39-deflate-raw"),
    pytest.param("zlib", zlib.compress, id="40-zlib"),
    pytest.param("zstd", zstd, id="41-zstd"),
    pytest.param("zstd", zstd_stream, id="41-zstd-stream"),
    pytest.param("snappy", snappy_block, id="42-snappy-block"),
    pytest.param("snappy", snappy_framed, id="42-snappy-framed"),
    pytest.param("x-snappy-framed", snappy_framed, id="42-x-snappy-framed"),
    pytest.param("lz4", lz4, id="43-lz4"),
]


@pytest.mark.parametrize(("coding", "compress"), FORMATS)
@pytest.mark.parametrize("plain", [PLAIN, b"x", b""], ids=["long", "short", "empty"])
def test_each_format_gives_the_plain_bytes_back(coding: str, compress: Callable[[bytes], bytes], plain: bytes) -> None:
    assert decompress(compress(plain), coding, LIMIT) == plain


@pytest.mark.parametrize("compress", [gzip.compress, zstd, snappy_framed, lz4])
def test_38_concatenated_members_give_all_their_parts(compress: Callable[[bytes], bytes]) -> None:
    coding = {gzip.compress: "gzip", zstd: "zstd", snappy_framed: "snappy", lz4: "lz4"}[compress]
    assert decompress(compress(b"first") + compress(PLAIN), coding, LIMIT) == b"first" + PLAIN


def test_38_zero_padding_after_gzip_is_not_data() -> None:
    assert decompress(gzip.compress(b"x") + bytes(512), "gzip", LIMIT) == b"x"


def test_38_a_body_of_countless_gzip_members_is_refused() -> None:
    with pytest.raises(Malformed, match="4096 members"):
        decompress(gzip.compress(b"") * 4097, "gzip", LIMIT)
    assert decompress(gzip.compress(b"x") * 4096, "gzip", LIMIT) == b"x" * 4096


@pytest.mark.parametrize("coding", ["", "identity", "Identity", " , "])
def test_44_identity_is_the_body_itself(coding: str) -> None:
    assert decompress(PLAIN, coding, LIMIT) == PLAIN
    assert decompress(b"", coding, LIMIT) == b""


@pytest.mark.parametrize("coding", ["gzip, identity", "identity,gzip", "gzip,"])
def test_45_identity_in_a_list_changes_nothing(coding: str) -> None:
    assert decompress(gzip.compress(PLAIN), coding, LIMIT) == PLAIN


def test_45_codings_are_undone_last_one_first() -> None:
    assert decompress(gzip.compress(zstd(PLAIN)), "zstd, gzip", LIMIT) == PLAIN
    with pytest.raises(Malformed, match="zstd"):
        decompress(gzip.compress(zstd(PLAIN)), "gzip, zstd", LIMIT)


@pytest.mark.parametrize("coding", ["nosuchcompression", "br", "gzip, br", "gzip;q=1", "x" * 5000])
def test_46_an_unknown_coding_is_named_with_what_is_supported(coding: str) -> None:
    with pytest.raises(UnsupportedEncoding, match=r"^unsupported Content-Encoding: ") as refused:
        decompress(PLAIN, coding, LIMIT)
    assert refused.value.http_status == 400
    assert "gzip" in refused.value.supported
    assert "supported: gzip, x-gzip, deflate" in refused.value.message
    assert len(refused.value.message) < 300


def test_46_more_than_four_stacked_codings_are_refused() -> None:
    with pytest.raises(UnsupportedEncoding, match="5 stacked codings"):
        decompress(PLAIN, ",".join(["gzip"] * 5), LIMIT)


CODINGS = [coding for coding in SUPPORTED if coding != "identity"]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("garbage", [b"\xff" * 50, b'{"resourceSpans":[]}', b"\x1f\x8b\x08", bytes(50)])
def test_47_48_garbage_is_refused_naming_the_coding(coding: str, garbage: bytes) -> None:
    with pytest.raises(Malformed, match=f"^{coding}: ") as refused:
        decompress(garbage, coding, LIMIT)
    assert refused.value.http_status == 400


@pytest.mark.parametrize("coding", CODINGS)
def test_49_an_empty_body_is_no_compressed_body(coding: str) -> None:
    with pytest.raises(Malformed, match=f"^{coding}: the body is empty"):
        decompress(b"", coding, LIMIT)


@pytest.mark.parametrize(("coding", "compress"), FORMATS)
def test_50_a_truncated_body_is_refused(coding: str, compress: Callable[[bytes], bytes]) -> None:
    """Cut after the header, in the middle, before the trailer of eight bytes, and by the last byte."""
    whole = compress(PLAIN)
    for length in (3, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        with pytest.raises(Malformed, match=coding.strip().lower()):
            decompress(whole[:length], coding, LIMIT)


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, zstd, snappy_framed, lz4])
def test_50_bytes_after_the_end_are_refused(compress: Callable[[bytes], bytes]) -> None:
    names = {gzip.compress: "gzip", zlib.compress: "zlib", zstd: "zstd", snappy_framed: "snappy", lz4: "lz4"}
    with pytest.raises(Malformed):
        decompress(compress(PLAIN) + b"and more", names[compress], LIMIT)


@pytest.mark.parametrize(("coding", "compress"), FORMATS)
def test_51_the_limit_itself_passes_and_one_byte_more_does_not(coding: str, compress: Callable[[bytes], bytes]) -> None:
    assert decompress(compress(bytes(MIB)), coding, MIB) == bytes(MIB)
    with pytest.raises(TooLarge) as refused:
        decompress(compress(bytes(MIB + 1)), coding, MIB)
    assert refused.value.http_status == 413
    assert refused.value.limit == MIB


def test_51_the_limit_holds_for_a_plain_body() -> None:
    assert decompress(bytes(MIB), "", MIB) == bytes(MIB)
    with pytest.raises(TooLarge, match=f"larger than {MIB} bytes"):
        decompress(bytes(MIB + 1), "", MIB)


BOMBS = [parameter for parameter in FORMATS if not str(parameter.id).startswith("37")]

BOMB_PROGRAM = """
import sys
from receiver.compression import decompress
from receiver.errors import RefusedRequest

def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024

body, limit = sys.stdin.buffer.read(), int(sys.argv[2])
before = peak()
try:
    decompress(body, sys.argv[1], limit)
except RefusedRequest as refused:
    print(refused.http_status, peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory of a process from /proc")
@pytest.mark.parametrize(("coding", "compress"), BOMBS)
def test_54_a_bomb_costs_the_limit_and_one_block(coding: str, compress: Callable[[bytes], bytes]) -> None:
    """200 MiB of zeros against a limit of 16 MiB: refused, and the peak memory of a fresh process says so."""
    limit = 16 * MIB
    program = subprocess.run(
        [sys.executable, "-c", BOMB_PROGRAM, coding, str(limit)],
        input=compress(bytes(200 * MIB)),
        capture_output=True,
        check=True,
    )
    status, grown = map(int, program.stdout.split())
    assert status == 413
    assert grown < limit + 10 * MIB


def test_55_a_declared_snappy_length_is_judged_before_decoding() -> None:
    """Five bytes that announce 4 GiB: nothing behind them is looked at."""
    with pytest.raises(TooLarge):
        decompress(b"\xff\xff\xff\xff\x0f", "snappy", LIMIT)


def test_55_a_declared_zstd_size_is_judged_before_decoding() -> None:
    announces_more = b"\x28\xb5\x2f\xfd" + b"\xa0" + (LIMIT + 1).to_bytes(4, "little")
    with pytest.raises(TooLarge):
        decompress(announces_more + b"garbage", "zstd", LIMIT)


def test_54_a_zstd_window_beyond_8_mib_is_refused() -> None:
    """The window is memory beside the output: RFC 9659 bounds it for this coding."""
    one_raw_byte = b"\x09\x00\x00x"
    assert decompress(b"\x28\xb5\x2f\xfd\x00\x68" + one_raw_byte, "zstd", LIMIT) == b"x"
    with pytest.raises(Malformed, match="window of 134217728 bytes"):
        decompress(b"\x28\xb5\x2f\xfd\x00\x88" + one_raw_byte, "zstd", LIMIT)


@pytest.mark.parametrize("outer", [gzip.compress, zstd, lz4, zlib.compress])
def test_56_the_limit_holds_for_every_layer(outer: Callable[[bytes], bytes]) -> None:
    name = {gzip.compress: "gzip", zstd: "zstd", lz4: "lz4", zlib.compress: "deflate"}[outer]
    bomb = outer(gzip.compress(bytes(8 * MIB)))
    with pytest.raises(TooLarge, match="after gzip decompression"):
        decompress(bomb, f"gzip, {name}", LIMIT)
    with pytest.raises(TooLarge, match=f"after {name} decompression"):
        decompress(outer(bytes(8 * MIB)), f"gzip, {name}", LIMIT)


@given(
    body=st.binary(max_size=2000),
    coding=st.sampled_from(SUPPORTED),
    header=st.sampled_from(
        [
            b"",
            *[compress(b"seed")[:12] for compress in (gzip.compress, zlib.compress, zstd, zstd_stream, snappy_framed, lz4)],
        ]
    ),
)
def test_33_any_bytes_are_decoded_or_refused(body: bytes, coding: str, header: bytes) -> None:
    """Whatever comes, with a true header or none: plain bytes within the limit, or a refusal that says why."""
    try:
        plain = decompress(header + body, coding, 100_000)
    except RefusedRequest as refused:
        plain = refused.message.encode()
    assert len(plain) <= 100_000


@given(plain=st.binary(max_size=3 * 256 * 1024), level=st.integers(0, 9))
def test_39_raw_deflate_of_any_length_ends_where_it_ends(plain: bytes, level: int) -> None:
    """Output that fills a block exactly is not taken for a truncated stream."""
    compressor = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    assert decompress(compressor.compress(plain) + compressor.flush(), "deflate", LIMIT) == plain


@pytest.mark.parametrize("size", [256 * 1024, 512 * 1024, 256 * 1024 + 1, MIB])
def test_39_raw_deflate_of_whole_blocks(size: int) -> None:
    assert decompress(raw_deflate(bytes(size)), "deflate", LIMIT) == bytes(size)
