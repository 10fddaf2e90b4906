"""The database backend for PostgreSQL: Django looks for it in `base`."""
