"""What the database itself refuses: entries of the audit log are added and never changed, by whichever program.

Migrations run these statements too: they stay as they are, and a change of them is a new migration.
"""

from __future__ import annotations

_SAID = "entries of the audit log are never changed"

#: By the name of the dialect. SQLite would take the place of a row without calling it a deletion (INSERT OR REPLACE).
AUDIT_LOG_IS_KEPT: dict[str, tuple[str, ...]] = {
    "sqlite": (
        f"CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, '{_SAID}'); END",
        f"CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, '{_SAID}'); END",
        "CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log "
        f"WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, '{_SAID}'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_log_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SAID}'; END $$",
        "CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_kept()",
    ),
}  # fmt: skip
