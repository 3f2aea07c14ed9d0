"""TLS for the HTTP ports and for gRPC from the same three files; what is wrong with them is said before a port opens."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from pathlib import Path

    from receiver.settings import TlsSettings


class BadTlsFile(Exception):
    """A file cannot be used; the message names it."""


def ssl_context(tls: TlsSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer, HTTP/1.1 only; with a client authority a client without its certificate fails the handshake."""
    for file in (tls.cert_file, tls.key_file, tls.client_ca_file):
        if file is not None:
            _read(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    except ssl.SSLError as error:
        message = f"{tls.cert_file} and {tls.key_file} are not a PEM certificate and its unencrypted key ({error.reason})"
        raise BadTlsFile(message) from None
    if tls.client_ca_file is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(tls.client_ca_file)
        except ssl.SSLError as error:
            raise BadTlsFile(f"{tls.client_ca_file} is not a PEM certificate ({error.reason})") from None
    return context


def grpc_credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    ssl_context(tls)  # gRPC takes broken files in silence and fails every handshake; this says which file it is.
    authority = None if tls.client_ca_file is None else _read(tls.client_ca_file)
    pair = (_read(tls.key_file), _read(tls.cert_file))
    return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadTlsFile(f"{file} cannot be read: {error.strerror}") from None
