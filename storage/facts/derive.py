"""The door to deriving: a batch of rows in, its facts out. Pure, and the same whatever the batch holds beside a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from storage.facts import coerce
from storage.facts.coding_agents import client_of
from storage.facts.costs import Prices
from storage.facts.fact import Facts
from storage.facts.logs import LogReader
from storage.facts.metrics import read_usage
from storage.facts.shapes import Owner, Plan, Shapes
from storage.facts.spans import SpanReader

if TYPE_CHECKING:
    from storage.batch import Batch, Row

RESOURCES_KEPT = 2_000
# Positions in RESOURCE_COLUMNS.
_SERVICE, _NAMESPACE, _VERSION, _ENVIRONMENT, _ATTRIBUTES = 1, 2, 3, 5, 7
_SCOPE_NAME = 1


class Deriver:
    """Holds the prices, and what is remembered from batch to batch; neither changes what is derived. For one thread at a time."""

    def __init__(self, prices: Prices | None = None, with_content: bool = True) -> None:
        self._prices = prices or Prices()
        self._with_content = with_content
        self._plain = Shapes(is_client=False)
        self._client = Shapes(is_client=True)
        self._resources: dict[Row, tuple[Any, ...]] = {}

    def derive(self, batch: Batch) -> Facts:
        """The facts of a batch of any signal."""
        facts = Facts()
        if batch.signal == "metrics":
            read_usage(batch.rows, batch.streams, facts)
        else:
            first = 1 if batch.signal == "traces" else 0
            clients = self._clients(batch, {row[first : first + 2] for row in batch.rows})
            if batch.signal == "traces":
                SpanReader(facts, self._prices, self._with_content).read(batch.rows, clients)
            else:
                LogReader(facts, self._prices, self._with_content, self._client).read(batch.rows, clients)
        self._identify_resources(batch, facts)
        return facts

    def _clients(self, batch: Batch, owners: set[tuple[int, int]]) -> dict[tuple[int, int], Owner]:
        """The coding agent of each (resource, scope) that has records, and the shapes that its records are read with."""
        found = {}
        for resource, scope in owners:
            client = client_of(batch.resources[resource][_SERVICE], batch.scopes[scope][_SCOPE_NAME])
            found[resource, scope] = Owner(
                client, self._plain if client is None else self._client, batch.scopes[scope][_SCOPE_NAME]
            )
        return found

    def _identify_resources(self, batch: Batch, facts: Facts) -> None:
        used = sorted({row[2] for rows in (facts.facts, facts.identities) for row in rows} | {row[1] for row in facts.usages})
        for number in used:
            facts.resource_identities.append((number, *self._resource_identity(batch.resources[number])))

    def _resource_identity(self, row: Row) -> tuple[Any, ...]:
        known = self._resources.get(row)
        if known is None:
            if len(self._resources) >= RESOURCES_KEPT:
                self._resources.clear()
            known = self._resources[row] = self._read_resource(row)
        return known

    def _read_resource(self, row: Row) -> tuple[Any, ...]:
        """RESOURCE_IDENTITY_COLUMNS after the position."""
        attributes = orjson.loads(row[_ATTRIBUTES]) if row[_ATTRIBUTES] else {}
        client = client_of(row[_SERVICE], None)
        plan: Plan = self._client[tuple(attributes)].plan("none")
        says = plan.identity(attributes)
        name, _, version, _, _, session, _, user = says or (None,) * 8
        if client == "copilot-chat":
            session = None  # it is the editor's window
        environments = (row[_ENVIRONMENT], attributes.get("langfuse.environment"), attributes.get("env"))
        project = coerce.text(attributes.get("openinference.project.name")) or row[_NAMESPACE]
        return (
            client, name or row[_SERVICE], version or row[_VERSION], session, user, row[_SERVICE],
            next((found for found in map(coerce.text, environments) if found is not None), None), project,
        )  # fmt: skip


def derive(batch: Batch, deriver: Deriver | None = None) -> Facts:
    """The facts of one batch, without keeping anything for the next."""
    return (deriver or Deriver()).derive(batch)
