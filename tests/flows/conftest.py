"""One Prefect server for every test of this folder: the program's own child."""

import pytest

from hardline.flows import run_job
from hardline.infra.prefect.server import own_server
from hardline.infra.settings import protect_process


@pytest.fixture(scope="session")
def server_home(tmp_path_factory):
    return tmp_path_factory.mktemp("prefect-home")


@pytest.fixture(scope="session")
def running(server_home):
    """The home of a server, and the server."""
    protect_process()
    with own_server(server_home) as child:
        child.wait()
        yield server_home, child
    assert not (server_home / "prefect/server.pid").exists()


@pytest.fixture(scope="session")
def prefect_server(running):
    """The same server, as the one that Prefect in this process talks to."""
    _, child = running
    quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
    with run_job.environment({**child.environment, **quiet}):
        yield child
        run_job.drain()


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home with the shipped contract accepted."""
    import hardline

    folder = tmp_path_factory.mktemp("home") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        hardline.init(home=folder)
        yield folder
