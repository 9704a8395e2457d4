"""Composition root of the development provider: `python -m local.provider`."""

import sys

from aiohttp import web

from local.provider.server import Provider
from sluice.ids import new_id
from sluice.logs import configure, get_logger
from sluice.settings import load_settings


def main() -> None:
    """Serve on loopback until SIGTERM."""
    settings = load_settings()
    configure("provider", sys.stdout)
    provider = Provider(key=settings.dev_key.get_secret_value(), new_id=lambda: f"chatcmpl-{new_id()}")
    get_logger().info("provider listens", port=settings.provider_port)
    web.run_app(
        provider.app(),
        host="127.0.0.1",
        port=settings.provider_port,
        print=None,
        access_log=None,
        shutdown_timeout=1.0,
        handler_cancellation=True,
    )


if __name__ == "__main__":
    main()
