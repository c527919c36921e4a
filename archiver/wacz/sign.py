"""Signs a WACZ with a key of one's own: the anonymous signature of WACZ Signing and Verification 0.1.0.

What is signed is the text of the hash of datapackage.json, by ECDSA on the curve P-384 with SHA-256; signature (r and s, 48
bytes each) and public key are Base64: the form that ReplayWeb.page checks. Who signed has to be told in another way.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_ADVICE = "Make one with: openssl ecparam -name secp384r1 -genkey -noout -out key.pem"
_NUMBER_BYTES = 48
_VERSION = "0.1.0"


def read_key(path: Path) -> EllipticCurvePrivateKey:
    """A private key out of a PEM file.

    Raises:
        UsageError: there is none, it has a password, or it is for another curve.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise UsageError(f"The key {path} cannot be read: {error.strerror}.", _ADVICE) from error
    except TypeError as error:
        raise UsageError(f"The key {path} has a password.", "Give one without, such as a copy in memory.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} holds no private key in PEM.", _ADVICE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP384R1):
        raise UsageError("WACZ files are signed with a key for the curve P-384, and that is another.", _ADVICE)
    return key


def signed_data(key: EllipticCurvePrivateKey, hash: str, created: str, software: str) -> dict[str, Any]:
    """The signature as datapackage-digest.json has it.

    Args:
        key: from `read_key`.
        hash: of datapackage.json, as "sha256:" and hexadecimal.
        created: the very text that datapackage.json has.
        software: likewise.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    r, s = decode_dss_signature(key.sign(hash.encode("ascii"), ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big")
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "hash": hash,
        "created": created,
        "software": software,
        "version": _VERSION,
        "signature": base64.b64encode(raw).decode("ascii"),
        "publicKey": base64.b64encode(public).decode("ascii"),
    }
