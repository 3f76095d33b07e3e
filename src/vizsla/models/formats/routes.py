"""sentence-transformers' Router, in old directories Asym: which modules the texts of one side pass.

Knows router_config.json in every version; refuses to know what the modules do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from vizsla.core.errors import ArtifactError
from vizsla.models.formats.modules import Module, kind
from vizsla.models.formats.place import Place

KINDS = ("Router", "Asym")
NAMES = {"query": ("query",), "passage": ("document", "passage", "corpus", "doc")}
"""What each side is called by routes, the first that is there."""
_CONFIGS = ("router_config.json", "config.json")


def along(modules: Sequence[Module], side: str) -> list[Module]:
    """The modules that the texts of a side pass, every router replaced by its route.

    Args:
        modules: a directory's.
        side: "query" or "passage".

    Raises:
        ArtifactError: a router without a route for the side.
    """
    made: list[Module] = []
    for module in modules:
        made += _route(module.place, side) if module.kind in KINDS else [module]
    return made


def _route(place: Place, side: str) -> list[Module]:
    said_by = next((name for name in _CONFIGS if place.has(name)), _CONFIGS[0])
    config = place.json(said_by)
    structure, types = config.get("structure"), config.get("types")
    parameters = config.get("parameters") or {}
    if not isinstance(structure, dict) or not isinstance(types, dict) or not isinstance(parameters, dict):
        raise ArtifactError(f"{place.folder}: found a router without structure and types; wanted both: fetch it again")
    route = next((structure[name] for name in _names(parameters, side) if name in structure), None)
    if not isinstance(route, list) or not route or not all(isinstance(each, str) and each in types for each in route):
        found = f"no route for a {side} among {', '.join(map(str, structure))[:200]}"
        raise ArtifactError(f"{place.folder}: found {found}; wanted query and document, or a default_route")
    return [Module(kind(types[each]), place.part(each, said_by=said_by)) for each in route]


def _names(parameters: Mapping[str, Any], side: str) -> list[str]:
    """Names of routes in the order that the library looks: by task and modality, by name, the default."""
    mappings = parameters.get("route_mappings")
    mappings = mappings if isinstance(mappings, dict) else {}
    task = NAMES[side][0]
    keys = [f"({first}, {second})" for first in (f"'{task}'", None) for second in ("'text'", None)]
    named = [mappings.get(key) for key in keys]
    return [name for name in (*named, *NAMES[side], "text", parameters.get("default_route")) if isinstance(name, str)]
