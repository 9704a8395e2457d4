"""`sluice connect apply`."""

from contextlib import closing

from connectors.connect.places import places_of
from connectors.connect.preparing import declare, lakehouse, make_schema, own_topics
from connectors.connect.rest import ConnectRest
from connectors.connect.sinks import connectors
from connectors.connect.tables import landed_tables
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin
from sluice.settings import Settings


def apply_all(settings: Settings, tasks: int) -> list[str]:
    """May be repeated: after a change of the catalogue or of a schema, it should be. Gives the connectors' names.

    Raises ConfigurationError or Unavailable.
    """
    places = places_of(settings)
    KafkaAdmin(connection(settings, "admin")).apply(own_topics(), settings.replication_factor)
    make_schema(places)
    with closing(lakehouse(places)) as catalog:
        declare(catalog, landed_tables())
    wanted = connectors(places, tasks=tasks)
    with closing(ConnectRest(settings.connect_rest)) as rest:
        for name, config in wanted.items():
            rest.put(name, config)
    return [*wanted]
