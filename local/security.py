"""What `make up` makes for keys, certificates, users and access control before anything talks to anybody."""

from datetime import datetime
from pathlib import Path

from sluice.access_admin import AccessAdmin
from sluice.certificates import make_certificates
from sluice.grants import grants
from sluice.kafka_access import BROKER, broker_connection
from sluice.key_files import OWN_FOLDERS, make_key_files, make_own_folder, make_passwords, password_file, read_key_file
from sluice.settings import Settings
from sluice.settings_fields import SECURED_MARK
from sluice.topics import principals

WITHOUT_KEYS = {"enrich": "enrich", "respond": "respond", "landing": "connectors", "bigquery": "connectors"}
"""Processes that open nothing, with the name under which Kafka knows them."""


def prepare(settings: Settings, now: datetime) -> None:
    """Files. What is there stays; certificates that end soon are renewed. Raises ConfigurationError."""
    make_key_files(settings.keys_dir)
    mark = settings.home / SECURED_MARK
    if settings.secure:
        make_certificates(settings.certs_dir, now)
        make_passwords(settings.keys_dir, [BROKER, *principals()])
        mark.touch()
    else:
        mark.unlink(missing_ok=True)
    for process, principal in WITHOUT_KEYS.items():
        make_own_folder(settings.keys_dir, process, principal)


def own_keys(settings: Settings, process: str) -> Path:
    """Where a process finds its keys: all of them, or the few of one that opens nothing."""
    return settings.keys_dir / OWN_FOLDERS / process if process in WITHOUT_KEYS else settings.keys_dir


def makes_users(settings: Settings) -> bool:
    """Whether Kafka is ours to fill with users: on another cluster `sluice topics acls --apply` does, when told."""
    return settings.secure and settings.broker == "local"


def let_in(settings: Settings) -> None:
    """Users with their passwords, and what each may do. Raises Unavailable."""
    admin, folder = AccessAdmin(broker_connection(settings)), settings.keys_dir
    admin.set_passwords({name: read_key_file(folder, password_file(name)).decode() for name in principals()})
    admin.apply_access(admin.difference(grants()))
