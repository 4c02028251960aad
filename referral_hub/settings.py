"""One frozen set of settings: a TOML file of the profile, then the environment (`HUB_*`).

A missing or default secret refuses to start; so does a production profile with anything that only demo or tests may have.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]
PROFILES = ("production", "demo", "test")


@dataclass(frozen=True, repr=False)
class Settings:
    """Everything an operator may set. Paths are absolute; times are seconds."""

    profile: str
    database_url: str            # web role
    owner_database_url: str      # role that migrates; empty in web processes
    worker_database_url: str
    key_folder: Path             # hub ring, names sub-key, checkpoint key, receipt key
    session_folder: Path         # tmpfs: server halves of sessions
    tombstone_file: Path         # append-only, outside the database and its backups
    log_origin: str              # name of the log in checkpoints (C2SP)
    witness_policy: str          # path of the policy file (C2SP tlog-policy) that names the witnesses; empty: none
    public_url: str
    exit_url: str                # where quick exit leads
    default_language: str
    idle_seconds: int
    session_seconds: int
    max_body_bytes: int
    trusted_proxies: int         # reverse proxies in front whose X-Forwarded-For is believed; 0: none
    metrics_token: str           # empty: metrics are off
    argon2_iterations: int
    argon2_memory_kib: int

    def __repr__(self) -> str:
        """Name the profile and nothing else."""
        return f"<Settings {self.profile}>"


def load(profile: str, *, environ: Mapping[str, str] | None = None, config_folder: Path | None = None, **overrides: Any) -> Settings:
    """Return the settings of `profile`: config/default.toml, config/<profile>.toml, `HUB_*`, then `overrides`.

    Raises:
        errors.BadSettings: unknown profile, missing value, or a value the profile does not allow (fact: `name`).
    """
    if profile not in PROFILES:
        raise errors.BadSettings(name="profile")
    folder = config_folder or ROOT / "config"
    values: dict[str, Any] = {"profile": profile}
    for name in ("default", profile):
        path = folder / f"{name}.toml"
        if path.exists():
            values |= tomllib.loads(path.read_text(encoding="utf-8"))
    values |= _from_environment(os.environ if environ is None else environ)
    values |= {k: v for k, v in overrides.items() if v is not None}
    return _checked(values)


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    names = {f.name for f in fields(Settings)} - {"profile"}
    return {name: environ[f"HUB_{name.upper()}"] for name in names if f"HUB_{name.upper()}" in environ}


def _checked(values: Mapping[str, Any]) -> Settings:
    converted: dict[str, Any] = {}
    for field in fields(Settings):
        if field.name not in values:
            raise errors.BadSettings(name=field.name)
        converted[field.name] = _converted(field.name, str(field.type), values[field.name])
    settings = Settings(**converted)
    if settings.profile == "production":
        _refuse_unsafe(settings)
    return settings


def _converted(name: str, kind: str, value: Any) -> Any:
    if kind == "int":
        try:
            return int(value)
        except (TypeError, ValueError) as wrong:
            raise errors.BadSettings(name=name) from wrong
    if kind == "Path":
        return Path(value).expanduser().resolve()
    return str(value)


def _refuse_unsafe(settings: Settings) -> None:
    unsafe = {
        "database_url": not settings.database_url,
        "public_url": not settings.public_url.startswith("https://"),
        "argon2_memory_kib": settings.argon2_memory_kib < 65536,  # noqa: PLR2004 - VAULT.md, Keys
        "argon2_iterations": settings.argon2_iterations < 3,  # noqa: PLR2004 - VAULT.md, Keys
    }
    for name, is_unsafe in unsafe.items():
        if is_unsafe:
            raise errors.BadSettings(name=name)
