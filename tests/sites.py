"""The web side over a test's own runtime, with the pages registered once for all tests of a worker.

Registering compiles a rule per address, which takes longer than most tests of a page. What it reads of
the runtime is told apart here; everything else is asked for at each request.
"""

import copy

from flask import Flask

from app import doors, wsgi
from app.doors import Site
from app.runtime import Runtime

_registered: dict[tuple[str, bool], Flask] = {}


def app_over(runtime: Runtime) -> Flask:
    """An app of this runtime's own, as `create_app` makes it."""
    settings = runtime.settings
    read = settings.signing_key, settings.base_url.startswith("https://")
    if read not in _registered:
        _registered[read] = wsgi.create_app(runtime)
    app = copy.copy(_registered[read])
    app.config = copy.copy(app.config)
    app.extensions = app.extensions | {"ritorno": runtime}
    return app


def site_over(runtime: Runtime) -> Site:
    """A site of this runtime's own, as `create_site` makes it."""
    return doors.in_front_of(app_over(runtime).wsgi_app, runtime)
