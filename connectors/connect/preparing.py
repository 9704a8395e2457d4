"""What must be there before a connector runs: Kafka's topics, Iceberg's tables, PostgreSQL's schema."""

import sqlalchemy
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.transforms import DayTransform

from connectors.connect.places import Places
from connectors.connect.sinks import CATALOG, CONTROL_TOPIC, LETTERS_TOPIC
from connectors.connect.tables import SCHEMA, LandedTable
from sluice.errors import Unavailable
from sluice.topics import Topic

_HOURS = 168


def own_topics() -> list[Topic]:
    """Of Connect alone, so they are not in the catalogue: who commits to Iceberg, and letters on their way to ours."""

    def made(name: str, purpose: str) -> Topic:
        return Topic(name, (), "none", 1, _HOURS, "sealed", "connectors", ("connect",), ("connect",), purpose=purpose)

    return [made(CONTROL_TOPIC, "commits of Iceberg tables"), made(LETTERS_TOPIC, "records that did not convert")]


def database(places: Places) -> sqlalchemy.URL:
    """With the password."""
    at = places.postgres
    return sqlalchemy.URL.create("postgresql+pg8000", at.user, places.password(), at.host, at.port, at.database)


def make_schema(places: Places) -> None:
    """PostgreSQL's. Raises Unavailable where it does not answer."""
    engine = sqlalchemy.create_engine(database(places))
    try:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.schema.CreateSchema(SCHEMA, if_not_exists=True))
    except sqlalchemy.exc.DBAPIError as error:
        raise Unavailable(
            f"PostgreSQL does not let us in at {places.postgres.host}:{places.postgres.port} "
            f"({type(error.orig).__name__}). Look at SLUICE_CONNECT_POSTGRES and {places.secrets}."
        ) from None
    finally:
        engine.dispose()


def lakehouse(places: Places) -> SqlCatalog:
    """The catalogue of Iceberg's tables, for whoever makes or reads them."""
    uri = database(places).render_as_string(hide_password=False)
    return SqlCatalog(CATALOG, uri=uri, warehouse=places.warehouse)


def declare(catalog: Catalog, tables: list[LandedTable]) -> list[str]:
    """Make tables that are missing, typed like landed files and cut by day, and add columns that are new to the others.

    Gives the names of those made. The sink could make them itself, but without types that are finer than Connect's own.
    """
    catalog.create_namespace_if_not_exists(SCHEMA)
    made = []
    for table in tables:
        name = f"{SCHEMA}.{table.name}"
        if catalog.table_exists(name):
            with catalog.load_table(name).update_schema() as update:
                update.union_by_name(table.columns)
            continue
        with catalog.create_table(name, table.columns).update_spec() as spec:
            spec.add_field("occurred_at", DayTransform(), "occurred_day")
        made.append(name)
    return made
