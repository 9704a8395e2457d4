"""All gaps of the repository as it is."""

from local.compliance.classes import catalogue_document, classification, fields_of
from local.compliance.gaps import Gap, column_gaps, field_gaps, store_gaps, topic_contradictions
from local.compliance.models import built_models, models
from local.compliance.public_models import agreed, public_gaps, public_models
from sluice.schemas import all_schemas, sealed_fields


def unclassified() -> list[Gap]:
    """Whatever is kept without class, owner, purpose or end, and promises to dashboards that are broken."""
    classes, topics = classification(), catalogue_document()
    fields = [field for schema in all_schemas().values() for field in fields_of(schema)]
    sealed = {name for name in all_schemas() if sealed_fields(name)}
    return [
        *store_gaps(topics, classes),
        *topic_contradictions(topics, sealed),
        *field_gaps(fields, classes),
        *column_gaps(models(), built_models(), classes),
        *public_gaps(public_models(), agreed()),
    ]
