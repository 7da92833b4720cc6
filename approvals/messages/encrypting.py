"""What a push service is given: a body that only the browser can read, and a token that is ours.

RFC 8291 (the keys of a message), RFC 8188 (its form) and RFC 8292 (the token, VAPID).
"""

import base64
import hashlib
import json
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_RECORD = 4096
_LAST = b"\x02"
_TOKEN_LASTS = timedelta(hours=12)  # a push service takes no longer than a day


def encrypt(text: str, *, p256dh: str, auth: str) -> bytes:
    """Return a body for a subscription. Raises `ValueError` for keys that are none."""
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, decode(p256dh))
    key = ec.generate_private_key(_CURVE)
    shared, ours, salt = key.exchange(ec.ECDH(), theirs), _point(key.public_key()), _salt()
    info = b"WebPush: info\0" + decode(p256dh) + ours
    secret = _derive(shared, salt=decode(auth), info=info, length=32)
    content_key = _derive(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derive(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    record = AESGCM(content_key).encrypt(nonce, text.encode() + _LAST, None)
    return salt + _RECORD.to_bytes(4) + len(ours).to_bytes(1) + ours + record


def write_authorization(endpoint: str, *, now: datetime) -> str:
    """Return the header that says to the push service of an endpoint who sends."""
    server = urlsplit(endpoint)
    claims = {
        "aud": f"{server.scheme}://{server.netloc}",
        "exp": int((now + _TOKEN_LASTS).timestamp()),
        "sub": settings.PUBLIC_URL,
    }
    token = f"{_part({'typ': 'JWT', 'alg': 'ES256'})}.{_part(claims)}"
    r, s = decode_dss_signature(_own_key().sign(token.encode(), ec.ECDSA(SHA256())))
    signature = encode(r.to_bytes(32) + s.to_bytes(32))
    return f"vapid t={token}.{signature}, k={public_key()}"


def public_key() -> str:
    """Return the key that browsers subscribe with."""
    return encode(_point(_own_key().public_key()))


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _own_key() -> ec.EllipticCurvePrivateKey:
    return _make_key(settings.VAPID_KEY)


@lru_cache(maxsize=2)
def _make_key(text: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hashlib.sha512(text.encode()).digest())
    return ec.derive_private_key(number % (_ORDER - 1) + 1, _CURVE)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derive(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length=length, salt=salt, info=info).derive(secret)


def _salt() -> bytes:
    return secrets.token_bytes(16)


def _part(value: dict[str, object]) -> str:
    return encode(json.dumps(value).encode())
