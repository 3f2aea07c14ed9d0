"""The vendors' own SDKs without any framework: OpenAI chat, streams, responses, embeddings, a refusal; Anthropic too.

The argument says who tells of it. Langfuse, Laminar and AgentOps bring SDKs of their own, and nest the calls in an agent span.
"""

import os
import sys
from contextlib import nullcontext

which = sys.argv[1]
anthropic_told = which not in ("openai-v2", "langfuse")
finish = None
agent = nullcontext

if which == "traceloop":
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import agent as as_agent
    from traceloop.sdk.decorators import tool as as_tool
    from traceloop.sdk.decorators import workflow as as_workflow

    Traceloop.init(
        app_name="weather-service", api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], api_key="stub", disable_batch=False
    )
    Traceloop.set_association_properties({"session_id": "session-paris", "user_id": "user-7"})
elif which == "laminar":
    from lmnr import Laminar, observe

    port = int(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"].rpartition(":")[2])
    Laminar.initialize(project_api_key="stub", base_url="http://127.0.0.1", http_port=port, grpc_port=port, force_http=True)
elif which == "langfuse":
    from langfuse import Langfuse
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    langfuse = Langfuse(public_key="pk-stub", secret_key="sk-stub", host="http://127.0.0.1:9", span_exporter=OTLPSpanExporter())  # noqa: S106
elif which == "agentops":
    import agentops
    from opentelemetry import trace as otel
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    nowhere = "http://127.0.0.1:9"
    agentops.init(
        api_key="stub", endpoint=nowhere, exporter_endpoint=f"{nowhere}/v1/traces", auto_start_session=False, fail_safe=True
    )
    # its own exporter sends to its maker alone, with a token from there
    otel.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
else:
    from telemetry import start

    provider, finish = start()
    if which == "openinference":
        from openinference.instrumentation.anthropic import AnthropicInstrumentor
        from openinference.instrumentation.openai import OpenAIInstrumentor
    elif which == "openllmetry":
        from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    elif which == "openai-v2":
        from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
    else:
        from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
        from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    OpenAIInstrumentor().instrument()
    if anthropic_told:
        AnthropicInstrumentor().instrument()

if which == "langfuse":
    from langfuse.openai import OpenAI
else:
    from openai import OpenAI
from anthropic import Anthropic  # noqa: E402

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"type": "function", "function": {"name": "get_weather", "description": "Tell the weather.", "parameters": SCHEMA}}


def get_weather(city):
    return f"21 degrees in {city}"


def chat(client):
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    first = client.chat.completions.create(model="gpt-5-mini", messages=messages, tools=[FUNCTION]).choices[0].message
    call = first.tool_calls[0]
    messages += [first.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": get_weather("Paris")}]
    client.chat.completions.create(model="gpt-5-mini", messages=messages, tools=[FUNCTION])
    messages = [{"role": "user", "content": "And the weather in Rome?"}]
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    for _ in client.chat.completions.create(model="gpt-5-mini", messages=messages, **asked):
        pass
    for _ in client.chat.completions.create(model="gpt-5-mini", messages=messages, stream=True):
        pass  # nobody asked for its usage: nobody can know it
    client.responses.create(model="gpt-5-mini", input="Tell of Oslo.")
    client.embeddings.create(model="text-embedding-3-small", input=["Paris", "Rome"])
    try:
        client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "overload"}])
    except Exception as error:  # noqa: BLE001
        print("refused:", type(error).__name__)


def messages(client):
    asked = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
    }
    client.messages.create(**asked, tools=[{"name": "get_weather", "description": "Tell the weather.", "input_schema": SCHEMA}])
    for _ in client.messages.create(**asked, stream=True):
        pass


def everything():
    chat(OpenAI(max_retries=0))
    if anthropic_told:
        messages(Anthropic(max_retries=0))


if which == "traceloop":
    get_weather = as_tool(name="get_weather")(get_weather)
    as_workflow(name="weather desk")(as_agent(name="weather_agent")(everything))()
elif which == "laminar":
    get_weather = observe(name="get_weather", span_type="TOOL")(get_weather)
    observe(name="weather_agent", session_id="session-paris", user_id="user-7")(everything)()
    Laminar.flush()
elif which == "langfuse":
    from langfuse import observe, propagate_attributes

    get_weather = observe(name="get_weather", as_type="tool")(get_weather)
    with propagate_attributes(session_id="session-paris", user_id="user-7", tags=["nightly"]):
        observe(name="weather_agent", as_type="agent")(everything)()
    langfuse.flush()
elif which == "agentops":
    from agentops.sdk.decorators import agent as as_agent
    from agentops.sdk.decorators import operation
    from agentops.sdk.decorators import tool as as_tool

    get_weather = as_tool(name="get_weather")(get_weather)
    trace = agentops.start_trace("weather desk", tags=["nightly"])

    @as_agent(name="weather_agent")
    class Weather:
        @operation(name="tell")
        def tell(self):
            everything()

    Weather().tell()
    agentops.end_trace(trace, "Success")
    otel.get_tracer_provider().force_flush()
else:
    everything()
if finish:
    finish()
