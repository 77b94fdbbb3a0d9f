"""`oms demo`: where the demo is and how to log in."""

import json
from dataclasses import asdict

from app.infra.local_secrets import read_demo
from app.infra.settings import load_settings
from app.supervisor import describe


def show(*, as_json: bool) -> None:
    """Print the demo, as one JSON object or for people.

    Raises: NoDemoError when none was seeded.
    """
    demo = read_demo(load_settings())
    print(json.dumps(asdict(demo)) if as_json else "\n".join(describe(demo)))
