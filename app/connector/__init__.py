"""The connector process: every broker account connected, by one connector each; orders out, reports and prices in."""

from app.connector.process import run, serve

__all__ = ["run", "serve"]
