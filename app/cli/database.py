"""`oms migrate`: the newest revision, and the demo when asked for."""

import asyncio
import sys

from app.infra.local_secrets import Demo, demo_password, previous_api_key, state_folders, write_demo
from app.infra.migrations import check_drift, upgrade
from app.infra.reach import reachable_settings
from app.infra.settings import Settings, SettingsError, load_settings


def migrate(*, with_demo: bool, is_check: bool) -> None:
    """Migrate the database of the settings.

    Raises: OmsError when it does not answer, or when a demo is asked for in production.
    """
    settings = load_settings()
    if with_demo and settings.environment == "production":
        raise SettingsError("production has no demo: leave --demo away")
    owner = settings.migration_database_url or settings.database_url
    reached = asyncio.run(reachable_settings(settings.model_copy(update={"database_url": owner})))
    assert reached.database_url is not None
    upgrade(reached.database_url)
    if is_check:
        check_drift(reached.database_url)
    print("the database is at the newest revision", file=sys.stderr)
    if with_demo:
        asyncio.run(_seed(reached, settings.database_url or reached.database_url))


async def _seed(settings: Settings, database_url: str) -> None:
    from app.flows.tenants.seed_demo import seed_demo

    folders = state_folders(settings)
    password = demo_password(folders)
    seeded = await seed_demo(
        database_url,
        password=password,
        api_key=previous_api_key(settings),
        simulator_host=settings.simulator_host,
        simulator_port=settings.simulator_port,
    )
    host = "127.0.0.1" if settings.http_host in {"0.0.0.0", "::"} else settings.http_host  # noqa: S104 - compared only
    scheme = settings.http_scheme
    authority = f"[{host}]:{settings.http_port}" if ":" in host else f"{host}:{settings.http_port}"
    write_demo(
        folders,
        Demo(
            graphqlUrl=f"{scheme}://{authority}/graphql",
            websocketUrl=f"{scheme.replace('http', 'ws')}://{authority}/graphql",
            dashboardUrl=f"{scheme}://{authority}/",
            tenant=seeded.tenant,
            email=seeded.email,
            password=password,
            apiKey=seeded.api_key,
            accountId=str(seeded.account_id),
            simulatorHost=settings.simulator_host,
            simulatorPort=settings.simulator_port,
        ),
    )
    print(f"the demo tenant {seeded.tenant} is seeded", file=sys.stderr)
