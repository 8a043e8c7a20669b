"""What of tokens and keys everybody can read: the key that signed one, and the keys published."""

import base64
import json

from domain.key import KeyId
from entrypoints.container import Container


def kid_of(token: str) -> KeyId:
    """Return the id of the key that a token says it was signed with."""
    header = token.partition(".")[0]
    return KeyId(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"])


def published(container: Container) -> set[str]:
    """Return the ids of the keys in the key set now."""
    return {json.loads(key)["kid"] for key in container.publish_keys()()}
