"""The database: what must outlive every process and an emptied Redis."""

from control_plane.database.base import Base, UtcDateTime, utc_now
from control_plane.database.engine import Database, DatabaseUnreachable, database_url
from control_plane.database.inserting import insert_new
from control_plane.database.migrations import NotMigrated, Revision, expect_migrated, revision, upgrade

__all__ = [
    "Base",
    "Database",
    "DatabaseUnreachable",
    "NotMigrated",
    "Revision",
    "UtcDateTime",
    "database_url",
    "expect_migrated",
    "insert_new",
    "revision",
    "upgrade",
    "utc_now",
]
