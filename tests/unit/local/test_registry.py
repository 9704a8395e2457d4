"""The program of the registry, and where schemas have their numbers from."""

import io
import tarfile
from pathlib import Path

import pytest

from local import registry
from local.numbering import keep_numbering
from local.ports import needed
from local.processes import programs
from sluice.errors import ConfigurationError
from sluice.settings import Settings
from sluice.settings_fields import NUMBERS_MARK


def archive(folder: Path) -> Path:
    path = folder / "registry.tar.gz"
    with tarfile.open(path, "w:gz") as made:
        made.addfile(entry := tarfile.TarInfo(registry._RUNNER), io.BytesIO(b""))
        assert entry.size == 0
    return path


def test_what_is_not_the_pinned_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "fetched", lambda *_: archive(tmp_path))
    with pytest.raises(ConfigurationError, match=r"tar.gz is not the pinned file \(SHA-256 [0-9a-f]{64}\)"):
        registry.install(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_it_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import hashlib

    path, asked = archive(tmp_path), []
    pins = tmp_path / "registry"
    pins.mkdir()
    (pins / "archive.sha256").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  registry.tar.gz\n")
    monkeypatch.setattr(registry, "data_folder", lambda _name: tmp_path)
    monkeypatch.setattr(registry, "fetched", lambda *coordinates: asked.append(coordinates) or path)
    home = tmp_path / "programs" / "3"
    assert registry.install(home)
    assert (home / registry._RUNNER).exists()
    assert not registry.install(home)
    assert len(asked) == 1


def test_it_is_a_process_of_the_platform_where_it_is_chosen(tmp_path: Path):
    chosen, other = Settings(home=tmp_path, registry="local"), Settings(home=tmp_path)
    [program] = [one for one in programs(chosen) if one.name == "registry"]
    assert f"-Dquarkus.http.port={chosen.registry_port}" in program.command
    assert needed(chosen)["schema registry"] == chosen.registry_port
    assert "registry" not in {one.name for one in programs(other)}
    assert other.registry_url is None
    assert Settings(home=tmp_path, schema_registry_url="http://r").registry_url == "http://r"


def test_the_first_choice_stays(tmp_path: Path):
    keep_numbering(Settings(home=tmp_path, registry="local"))
    again = Settings(home=tmp_path)
    assert again.registry == "local"
    keep_numbering(again)
    with pytest.raises(
        ConfigurationError, match="schema numbers of its own registry, and now they would be of http://r"
    ):
        keep_numbering(Settings(home=tmp_path, registry="none", schema_registry_url="http://r"))
    assert (tmp_path / NUMBERS_MARK).read_text() == "local"


def test_a_log_from_before_there_was_a_choice_has_the_lock_files(tmp_path: Path):
    (tmp_path / "kafka").mkdir()
    with pytest.raises(ConfigurationError, match="schema numbers of the lock file, and now they would be of its own"):
        keep_numbering(Settings(home=tmp_path, registry="local"))
    keep_numbering(Settings(home=tmp_path))
