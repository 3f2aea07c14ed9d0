"""Content is the same rows from span attributes, span events and log records, in every form that senders use."""

from __future__ import annotations

from typing import Any

import pytest

from storage.facts.derive import Deriver
from tests.unit.facts_records import TRACE, contents, log_facts, said, span_facts

CHAT = {"gen_ai.operation.name": "chat"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
SPAN = b"12345678"
QUESTION = [("input", "user", "text", "Where is order 118?")]
ANSWER = [("output", "assistant", "text", "On its way.")]


def from_span(attributes: dict[str, Any], **more: Any) -> list[tuple[str, str | None, str, str]]:
    return said(span_facts({**attributes, "": more}))


OTEL = [{"role": "user", "parts": [{"type": "text", "content": "Where is order 118?"}]}]
OTEL_JSON = '[{"role":"user","parts":[{"type":"text","content":"Where is order 118?"}]}]'
OPENAI = '[{"role":"user","content":"Where is order 118?"}]'

INPUTS = [
    {"gen_ai.input.messages": OTEL_JSON},
    {"gen_ai.input.messages": OTEL},
    {"input.value": OPENAI},
    {"input.value": "Where is order 118?"},
    {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Where is order 118?"},
    {"llm.input_messages.0.message.role": "user",
     "llm.input_messages.0.message.contents.0.message_content.type": "text",
     "llm.input_messages.0.message.contents.0.message_content.text": "Where is order 118?"},
    {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Where is order 118?"},
    {"gen_ai.prompt": "Where is order 118?"},
    {"gen_ai.prompt": '{"messages": [{"type": "human", "content": "Where is order 118?"}]}'},
    {"langfuse.observation.input": OPENAI},
    {"traceloop.entity.input": "Where is order 118?"},
    {"ai.prompt.messages": '[{"role":"user","content":[{"type":"text","text":"Where is order 118?"}]}]'},
    {"ai.prompt": "Where is order 118?"},
    {"pydantic_ai.all_messages": OTEL_JSON},
    {"gcp.vertex.agent.llm_request": '{"contents":[{"role":"user","parts":[{"text":"Where is order 118?"}]}]}'},
    {"lmnr.span.input": OPENAI},
    {"input.value": '[{"role":"user","content":[{"type":"input_text","text":"Where is order 118?"}]}]'},
]  # fmt: skip
OUTPUTS = [
    {"gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"On its way."}]}]'},
    {"output.value": "On its way."},
    {"llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "On its way."},
    {"gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "On its way."},
    {"gen_ai.completion": "On its way."},
    {"langfuse.observation.output": '{"role":"assistant","content":"On its way."}'},
    {"traceloop.entity.output": "On its way."},
    {"ai.response.text": "On its way."},
    {"final_result": "On its way."},
    {"gcp.vertex.agent.llm_response": '{"role":"model","parts":[{"text":"On its way."}]}'},
    {"lmnr.span.output": "On its way."},
]  # fmt: skip


@pytest.mark.parametrize("attributes", INPUTS, ids=lambda entry: next(iter(entry)))
def test_a_prompt_renders_alike(attributes: dict[str, Any]) -> None:
    assert from_span({**CHAT, **attributes}) == QUESTION


@pytest.mark.parametrize("attributes", OUTPUTS, ids=lambda entry: next(iter(entry)))
def test_an_answer_renders_alike(attributes: dict[str, Any]) -> None:
    assert from_span({**CHAT, **attributes}) == ANSWER


@pytest.mark.parametrize(
    ("name", "attributes", "rows"),
    [
        ("gen_ai.user.message", {"content": "Where is order 118?"}, QUESTION),
        ("gen_ai.user.message", {"content": '[{"text": "Where is order 118?"}]'}, QUESTION),
        ("gen_ai.content.prompt", {"gen_ai.prompt": "Where is order 118?"}, QUESTION),
        ("gen_ai.choice", {"message": "On its way.", "finish_reason": "stop"}, ANSWER),
        ("gen_ai.choice", {"message": '[{"text": "On its way."}]'}, ANSWER),
        ("gen_ai.content.completion", {"gen_ai.completion": "On its way."}, ANSWER),
        ("gen_ai.system.message", {"content": "Be brief."}, [("system", "system", "text", "Be brief.")]),
        ("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": OTEL_JSON}, QUESTION),
    ],
)
def test_events_of_a_span_and_log_records_render_alike(
    name: str, attributes: dict[str, Any], rows: list[tuple[str, str | None, str, str]]
) -> None:
    assert from_span(CHAT, events=[(name, attributes)]) == rows
    assert said(log_facts({**attributes, "": {"event": name, "trace": TRACE, "span": SPAN}})) == rows


@pytest.mark.parametrize(
    ("name", "body", "rows"),
    [
        ("gen_ai.user.message", {"content": "Where is order 118?"}, QUESTION),
        ("gen_ai.user.message", "Where is order 118?", QUESTION),
        (
            "gen_ai.choice",
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "On its way."}},
            ANSWER,
        ),
        ("gen_ai.tool.message", {"id": "call_1", "content": "found"}, [("input", "tool", "tool_result", "found")]),
        ("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": OTEL}, QUESTION),
    ],
)
def test_the_body_of_an_event_is_content(name: str, body: Any, rows: list[tuple[str, str | None, str, str]]) -> None:
    facts = log_facts({"gen_ai.system": "openai", "": {"event": name, "body": body, "trace": TRACE, "span": SPAN}})
    assert said(facts) == rows


def test_several_message_events_are_numbered() -> None:
    facts = span_facts({**CHAT, "": {"events": [
        ("gen_ai.user.message", {"content": "one"}), ("gen_ai.assistant.message", {"content": "two"}),
        ("gen_ai.user.message", {"content": "three"}), ("gen_ai.choice", {"message": "four"}),
    ]}})  # fmt: skip
    assert [(row.direction, row.message, row.role, row.text) for row in contents(facts)] == [
        ("input", 0, "user", "one"), ("input", 1, "assistant", "two"), ("input", 2, "user", "three"),
        ("output", 0, "assistant", "four"),
    ]  # fmt: skip


PARTS = [
    ({"type": "text", "content": "a"}, ("text", None, None, "a")),
    ({"type": "reasoning", "content": "a"}, ("reasoning", None, None, "a")),
    ({"type": "thinking", "thinking": "a"}, ("reasoning", None, None, "a")),
    ({"type": "tool_call", "id": "c", "name": "t", "arguments": {"q": 1}}, ("tool_call", "t", "c", '{"q":1}')),
    ({"type": "tool_use", "id": "c", "name": "t", "input": {"q": 1}}, ("tool_call", "t", "c", '{"q":1}')),
    ({"type": "tool-call", "toolCallId": "c", "toolName": "t", "input": {"q": 1}}, ("tool_call", "t", "c", '{"q":1}')),
    ({"functionCall": {"name": "t", "args": {"q": 1}}}, ("tool_call", "t", None, '{"q":1}')),
    ({"toolUse": {"toolUseId": "c", "name": "t", "input": {"q": 1}}}, ("tool_call", "t", "c", '{"q":1}')),
    ({"type": "tool_call_response", "id": "c", "result": "r"}, ("tool_result", None, "c", "r")),
    ({"type": "tool_call_response", "id": "c", "response": {"r": 1}}, ("tool_result", None, "c", '{"r":1}')),
    ({"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "r"}]}, ("tool_result", None, "c", "r")),
    ({"type": "tool-result", "toolCallId": "c", "toolName": "t", "output": "r"}, ("tool_result", "t", "c", "r")),
    ({"functionResponse": {"name": "t", "response": {"r": 1}}}, ("tool_result", "t", None, '{"r":1}')),
    ({"type": "uri", "uri": "s3://a/b"}, ("reference", None, None, "s3://a/b")),
    ({"type": "blob", "mime_type": "a/b", "content": "A" * 5_000}, ("media", None, None, '{"mime_type":"a/b","type":"blob"}')),
    ({"type": "of_tomorrow", "x": 1}, ("json", None, None, '{"type":"of_tomorrow","x":1}')),
]  # fmt: skip


@pytest.mark.parametrize(("part", "expected"), PARTS, ids=lambda entry: str(entry)[:40])
def test_parts_of_every_dialect(part: dict[str, Any], expected: tuple[str, str | None, str | None, str]) -> None:
    for messages in ([{"role": "user", "parts": [part]}], [{"role": "user", "content": [part]}]):
        [row] = contents(span_facts({**CHAT, "gen_ai.input.messages": messages}))
        assert (row.role, (row.kind, row.name, row.call_id, row.text)) == ("user", expected)


def test_tool_calls_beside_the_text() -> None:
    message = (
        '[{"role":"assistant","content":"I look.","tool_calls":[{"id":"c","function":{"name":"t","arguments":"{\\"q\\":1}"}}]}]'
    )
    assert from_span({**CHAT, "output.value": message}) == [
        ("output", "assistant", "text", "I look."), ("output", "assistant", "tool_call", '{"q":1}'),
    ]  # fmt: skip
    flat = {
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "t",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"q":1}',
    }
    [row] = contents(span_facts({**CHAT, **flat}))
    assert (row.kind, row.name, row.call_id, row.text) == ("tool_call", "t", "c", '{"q":1}')


TOOL_SOURCES = [
    ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"), ("tool_arguments", "tool_response"),
    ("gen_ai.tool.input", "gen_ai.tool.output"), ("ai.toolCall.args", "ai.toolCall.result"), ("tool.parameters", "tool.result"),
    ("traceloop.entity.input", "traceloop.entity.output"), ("gcp.vertex.agent.tool_call_args", "gcp.vertex.agent.tool_response"),
    ("mcp.request.argument", "mcp.response.value"), ("tool_input", "output"), ("function_args", "output"),
    ("arguments", "output"), ("input.value", "output.value"), ("langfuse.observation.input", "langfuse.observation.output"),
    ("lmnr.span.input", "lmnr.span.output"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "result"), TOOL_SOURCES)
def test_arguments_and_results_of_tools(arguments: str, result: str) -> None:
    expected = [("arguments", None, "json", '{"q":1}'), ("result", None, "text", "found")]
    assert from_span({**TOOL, arguments: '{"q": 1}', result: "found"}) == expected
    assert from_span({**TOOL, arguments: {"q": 1}, result: "found"}) == expected


def test_a_tools_events_are_its_arguments_and_result() -> None:
    events = [("gen_ai.tool.message", {"content": '{"q":1}'}), ("gen_ai.choice", {"message": '[{"text":"found"}]'})]
    assert from_span(TOOL, events=events) == [("arguments", None, "json", '{"q":1}'), ("result", None, "text", "found")]
    output = [("tool.output", {"output": "found"})]
    assert from_span(TOOL, events=output) == [("result", None, "text", "found")]


def test_system_tools_and_documents() -> None:
    rows = from_span({
        **CHAT, "gen_ai.system_instructions": '[{"type":"text","content":"Be brief."}]',
        "gen_ai.tool.definitions": '[{"name":"t"}]',
    })  # fmt: skip
    assert rows == [("system", "system", "text", "Be brief."), ("tools", None, "json", '[{"name":"t"}]')]
    retrieval = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.retrieval.query.text": "q",
        "gen_ai.retrieval.documents": '[{"id":1}]',
    }
    assert from_span(retrieval) == [("query", None, "text", "q"), ("documents", None, "json", '[{"id":1}]')]
    flat = {"openinference.span.kind": "RETRIEVER", "input.value": "q", "retrieval.documents.0.document.content": "d"}
    assert from_span(flat) == [("query", None, "text", "q"), ("documents", None, "json", '[{"document":{"content":"d"}}]')]


def test_attributes_have_the_word_over_events() -> None:
    rows = from_span(
        {**CHAT, "gen_ai.output.messages": "On its way."}, events=[("gen_ai.choice", {"message": "Something else."})]
    )
    assert rows == ANSWER


def test_the_same_text_has_the_same_hash_wherever_it_stands() -> None:
    first = contents(span_facts({**CHAT, "gen_ai.input.messages": OTEL_JSON}))
    later = contents(
        span_facts(
            {
                **CHAT,
                "": {
                    "events": [
                        ("gen_ai.assistant.message", {"content": "x"}),
                        ("gen_ai.user.message", {"content": "Where is order 118?"}),
                    ]
                },
            }
        )
    )
    assert first[0].hash == later[1].hash
    assert first[0].hash != later[0].hash
    assert first[0].size == len("Where is order 118?")


def test_steps_repeat_what_calls_say_and_are_left_out() -> None:
    assert from_span({"openinference.span.kind": "CHAIN", "input.value": "x"}) == []


def test_a_conversation_has_a_bound() -> None:
    messages = [{"role": "user", "parts": [{"type": "text", "content": str(number)}]} for number in range(3_000)]
    assert len(from_span({**CHAT, "gen_ai.input.messages": messages})) == 2_000


def test_content_can_be_left_out() -> None:
    facts = span_facts({**CHAT, "gen_ai.input.messages": OTEL_JSON}, deriver=Deriver(with_content=False))
    assert (len(facts.facts), facts.contents) == (1, [])
