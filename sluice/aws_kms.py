"""AWS KMS as the keeper of the key-encryption key. The extra `aws-kms` of the package; only `sluice.wiring` imports it.

Credentials and region are found as for every AWS program: environment, profile, or the role of machine or pod.
API: docs.aws.amazon.com/kms/latest/APIReference. What is bound in is the encryption context; KMS writes it into its
own audit trail, so it is hashed.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sluice.errors import ConfigurationError, Unavailable
from sluice.key_wrapping import KEY_BYTES, CannotUnwrap

_PATIENCE = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 2})
_NOT_OURS = {
    "InvalidCiphertextException": "changed bytes, or wrapped for something else",
    "IncorrectKeyException": "wrapped with another key",
    "NotFoundException": "its key-encryption key is gone",
}


@dataclass(slots=True)
class AwsKmsWrapper:
    """`key` is an id, an ARN or an alias such as `alias/sluice`, of a symmetric key.

    Rotation: KMS's own (automatic or on demand) needs nothing here, since KMS opens what older material wrapped.
    An alias that is pointed at another key is a rotation too: what the other one wrapped is known for old by its ARN,
    which stands before each wrapped key.
    """

    key: str
    endpoint: str | None = None
    _client: Any = field(init=False)
    _newest: bytes | None = None

    def __post_init__(self) -> None:
        """Raises ConfigurationError where no region is set."""
        try:
            self._client = boto3.client("kms", endpoint_url=self.endpoint, config=_PATIENCE)
        except BotoCoreError as error:
            raise ConfigurationError(f"AWS KMS cannot be asked: {error} Set AWS_REGION.") from None

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """See Wrapper. Layout: `aws-kms:<ARN of the key>:<base64>`."""
        answer = self._ask("encrypt", KeyId=self.key, Plaintext=secret, EncryptionContext=_context(bound))
        self._newest = str(answer["KeyId"]).encode()
        return b":".join((b"aws-kms", self._newest, base64.b64encode(answer["CiphertextBlob"])))

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """See Wrapper."""
        arn, text = _arn(wrapped), wrapped.rpartition(b":")[2]
        try:
            blob = base64.b64decode(text, validate=True) if arn else b""
        except ValueError:
            blob = b""
        if not blob:
            raise CannotUnwrap("not a key that AWS KMS wrapped")
        asked = {"KeyId": arn.decode(), "CiphertextBlob": blob, "EncryptionContext": _context(bound)}
        return bytes(self._ask("decrypt", **asked)["Plaintext"])

    def is_current(self, wrapped: bytes) -> bool:
        """See Wrapper. Which key is newest is learned by wrapping."""
        if self._newest is None:
            self.wrap(secrets.token_bytes(KEY_BYTES), b"which key")
        return _arn(wrapped) == self._newest

    def _ask(self, action: str, **asked: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, action)(**asked)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if action == "decrypt" and code in _NOT_OURS:
                raise CannotUnwrap(_NOT_OURS[code]) from None
            raise Unavailable(f"AWS KMS refuses to {action} with {asked['KeyId']}: {code}.") from None
        except BotoCoreError as error:
            raise Unavailable(f"AWS KMS does not answer ({type(error).__name__}).") from None
        return answer


def _context(bound: bytes) -> dict[str, str]:
    return {"sluice": hashlib.sha256(bound).hexdigest()}


def _arn(wrapped: bytes) -> bytes:
    """Empty where there is none. An ARN has colons, base64 has not."""
    head, _, rest = wrapped.partition(b":")
    return rest.rpartition(b":")[0] if head == b"aws-kms" and wrapped.isascii() else b""
