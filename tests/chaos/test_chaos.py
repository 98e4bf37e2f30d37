"""A share of the chaos; `make chaos` runs a whole day of it."""

from pathlib import Path

import pytest

from chaos.day import SHARE, trade
from support.postgres import TEMPLATE, make_template, running_server


@pytest.mark.timeout(480)
async def test_hours_under_kills_end_with_a_clean_audit_and_a_finished_shutdown(
    tmp_path: Path,
) -> None:
    """Whatever is killed, with requests in flight or without, nothing is lost and nothing twice."""
    with running_server(fsync=True) as server:
        await make_template(server)
        database = server.url(await server.create_database(TEMPLATE))
        outcome = await trade(SHARE, 1, tmp_path, server, database)
    print(outcome)
    assert outcome.problems == []
