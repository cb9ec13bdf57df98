"""Run by alembic: migrates over the connection that `catalog.schema` hands over, inside its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_version",
    # Alembic takes SQLite's changes of tables to be outside of transactions; with our own BEGIN they are inside.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
