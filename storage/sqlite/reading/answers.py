"""The questions about agents, as the engine takes them: each is one function of a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from storage.sqlite.reading import agents, completeness, contents, errors, facts, metric_usage, session_usage, sessions, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from storage.agents_contract import (
        ActiveRun,
        AgentDetail,
        AgentSummary,
        Completeness,
        ErrorGroup,
        FactFilter,
        FactKind,
        FactQuery,
        FactRecord,
        LoopGroup,
        MetricUsage,
        SearchHit,
        SessionContent,
        SessionQuery,
        SessionSummary,
        UsageQuery,
        UsageSummary,
        UserSummary,
    )
    from storage.contract import Page, Position, TimeRange
    from storage.sqlite.connect import Reader

Answer = TypeVar("Answer")


class AgentAnswers:
    """Implements storage.agents_contract.AgentStore for a store that can `_ask` a reader."""

    async def _ask(self, question: Callable[[Reader], Answer]) -> Answer:
        raise NotImplementedError

    async def agents(self, filter_: FactFilter) -> Sequence[AgentSummary]:
        return await self._ask(lambda reader: agents.agents(reader, filter_))

    async def agent(self, name: str, time_range: TimeRange) -> AgentDetail | None:
        return await self._ask(lambda reader: agents.agent(reader, name, time_range))

    async def find_sessions(self, query: SessionQuery) -> Page[SessionSummary]:
        return await self._ask(lambda reader: sessions.find_sessions(reader, query))

    async def session(self, session_id: str, limit: int, after: Position | None) -> SessionContent | None:
        return await self._ask(lambda reader: sessions.session(reader, session_id, limit, after))

    async def find_facts(self, query: FactQuery) -> Page[FactRecord]:
        return await self._ask(lambda reader: facts.find_facts(reader, query))

    async def fact(self, fact: FactKind, fact_id: int) -> FactRecord | None:
        return await self._ask(lambda reader: facts.fact(reader, fact, fact_id))

    async def trace_facts(self, trace_id: str, limit: int) -> Sequence[FactRecord]:
        return await self._ask(lambda reader: facts.trace_facts(reader, trace_id, limit))

    async def usage(self, query: UsageQuery) -> Sequence[UsageSummary]:
        answer = session_usage.session_usage if "session" in query.group_by else usage.usage
        return await self._ask(lambda reader: answer(reader, query))

    async def users(self, time_range: TimeRange, limit: int) -> Sequence[UserSummary]:
        return await self._ask(lambda reader: agents.users(reader, time_range, limit))

    async def error_groups(self, filter_: FactFilter, limit: int) -> Sequence[ErrorGroup]:
        return await self._ask(lambda reader: errors.error_groups(reader, filter_, limit))

    async def search_contents(self, text: str, filter_: FactFilter, limit: int) -> Sequence[SearchHit]:
        return await self._ask(lambda reader: contents.search_contents(reader, text, filter_, limit))

    async def active(self, since: int, limit: int) -> Sequence[ActiveRun]:
        return await self._ask(lambda reader: facts.active(reader, since, limit))

    async def loops(self, filter_: FactFilter, at_least: int, limit: int) -> Sequence[LoopGroup]:
        return await self._ask(lambda reader: facts.loops(reader, filter_, at_least, limit))

    async def metric_usage(self, filter_: FactFilter, group_by: tuple[str, ...]) -> Sequence[MetricUsage]:
        return await self._ask(lambda reader: metric_usage.metric_usage(reader, filter_, group_by))

    async def completeness(self, time_range: TimeRange) -> Completeness:
        return await self._ask(lambda reader: completeness.completeness(reader, time_range))
