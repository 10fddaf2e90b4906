"""Django's PostgreSQL backend, which works again as soon as the server does.

The pool of psycopg can test a connection before it hands it out, but pauses for one, two, four
seconds after each that is dead (psycopg's pull request 711). After a restart of the server all of
them are, and a request would spend its four seconds on the first few. Here the first dead one
empties the pool.

And it compiles no queries. Those that look costly to PostgreSQL here have many parts and touch few
rows: of 0.55 s for what a store keeps too long, 0.45 s went into compiling, each time anew.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Tests what it gets from the pool itself, and has nothing compiled."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        found = super().get_new_connection(conn_params)
        if not self.pool or self._answers(found):
            return found
        self.pool.putconn(found)
        self.pool.drain()  # and replaces what others return; all that comes now is new
        return super().get_new_connection(conn_params)

    def _answers(self, found: Any) -> bool:
        try:
            self.pool.check_connection(found)
        except self.Database.Error:
            return False
        return True

    def _configure_connection(self, connection: Any) -> bool:
        """Of every new one, the pool's, too. PgBouncer takes no such option with the address."""
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
        super()._configure_connection(connection)  # type: ignore[misc]
        return True
