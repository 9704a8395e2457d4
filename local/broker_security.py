"""The built-in Kafka with TLS, passwords and access control."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LISTENER = "SASL_SSL"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_FROM_FOLDER = "org.apache.kafka.common.config.provider.DirectoryConfigProvider"


@dataclass(frozen=True, slots=True)
class BrokerSecurity:
    """`keystore` holds key, certificate and authority (PEM); `user` is the broker's own, to whom nothing is forbidden.

    The broker's own user comes by PLAIN within TLS, because SCRAM's users live in the log that it has to reach first;
    so a log that was made without security can be secured later. Everybody else comes by SCRAM.
    """

    keystore: Path
    truststore: Path
    user: str
    password_file: Path

    def lines(self, listeners: Sequence[str]) -> list[str]:
        """For `server.properties`. The password stays in its file: Kafka reads it there."""
        password = f"${{keys:{self.password_file.parent}:{self.password_file.name}}}"
        plain = f'{_PLAIN} required username="{self.user}" password="{password}" user_{self.user}="{password}";'
        lines = [
            "config.providers=keys",
            f"config.providers.keys.class={_FROM_FOLDER}",
            f"config.providers.keys.param.allowed.paths={self.password_file.parent}",
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={self.keystore}",
            "ssl.truststore.type=PEM",
            f"ssl.truststore.location={self.truststore}",
            "sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN",
            "listener.name.controller.sasl.enabled.mechanisms=PLAIN",
            "sasl.mechanism.inter.broker.protocol=PLAIN",
            "sasl.mechanism.controller.protocol=PLAIN",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found=false",
            f"super.users=User:{self.user}",
        ]
        for name in listeners:
            lines.append(f"listener.name.{name.lower()}.plain.sasl.jaas.config={plain}")
            if name != "CONTROLLER":
                lines.append(f"listener.name.{name.lower()}.scram-sha-512.sasl.jaas.config={_SCRAM} required;")
        return lines
