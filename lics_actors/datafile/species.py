"""Species by their scientific names, which archives want. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# Animals of behavioural laboratories; names as in NCBI's taxonomy.
SCIENTIFIC: Final[Mapping[str, str]] = {
    "mouse": "Mus musculus",
    "mice": "Mus musculus",
    "house mouse": "Mus musculus",
    "rat": "Rattus norvegicus",
    "norway rat": "Rattus norvegicus",
    "marmoset": "Callithrix jacchus",
    "common marmoset": "Callithrix jacchus",
    "rhesus": "Macaca mulatta",
    "rhesus macaque": "Macaca mulatta",
    "macaque": "Macaca mulatta",
    "hamster": "Mesocricetus auratus",
    "golden hamster": "Mesocricetus auratus",
    "gerbil": "Meriones unguiculatus",
    "guinea pig": "Cavia porcellus",
    "rabbit": "Oryctolagus cuniculus",
    "ferret": "Mustela putorius furo",
    "cat": "Felis catus",
    "dog": "Canis lupus familiaris",
    "pigeon": "Columba livia",
    "zebra finch": "Taeniopygia guttata",
    "zebrafish": "Danio rerio",
    "human": "Homo sapiens",
}
FULL: Final = r"([A-Z][a-z]+ [a-z]+( [a-z]+)?|http://purl\.obolibrary\.org/obo/NCBITaxon_[0-9]+)"
_BINOMIAL = re.compile(r"[A-Z][a-z]+ [a-z]+")
_TAXON = re.compile(r"http://purl\.obolibrary\.org/obo/NCBITaxon_[0-9]+")


def scientific(species: str) -> str:
    """Return the scientific name of a species said in any usual way; what is not known comes back as it is."""
    plain = " ".join(species.split())
    if _TAXON.fullmatch(plain):
        return plain
    known = SCIENTIFIC.get(plain.lower())
    if known is None and re.fullmatch(FULL, plain.capitalize()):
        known = plain.capitalize()
    return " ".join((known or plain).split()[:2]) if known else plain


def named_fully(species: str) -> bool:
    """Return whether somebody said a species as archives take it; a subspecies may stand behind it."""
    return bool(re.fullmatch(FULL, species))


def is_scientific(species: str) -> bool:
    """Return whether archives take this: two Latin words, or a term of NCBI's taxonomy."""
    return bool(_BINOMIAL.fullmatch(species) or _TAXON.fullmatch(species))
