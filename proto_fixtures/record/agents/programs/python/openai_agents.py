"""OpenAI Agents SDK: triage hands over to the weather agent; a tool call, a failing tool in a stream, a refusal.

The argument says which instrumentation tells of it: openinference, traceloop or genai.
"""

import asyncio
import sys

from telemetry import start

provider, finish = start()
which = sys.argv[1]

from agents import Agent, RunConfig, Runner, function_tool, set_default_openai_client, set_trace_processors  # noqa: E402
from openai import AsyncOpenAI  # noqa: E402

set_trace_processors([])  # the default one sends to OpenAI

if which == "openinference":
    from openinference.instrumentation import using_attributes
    from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
elif which == "traceloop":
    from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
else:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.instrumentation.genai.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument()
    OpenAIInstrumentor().instrument()  # the calls of the model are told by the client's own instrumentation


@function_tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Rome":
        raise ValueError("no station in Rome")
    return f"21 degrees in {city}"


weather = Agent("weather_agent", instructions="Tell the weather.", tools=[get_weather], model="gpt-5-mini")
triage = Agent("triage_agent", instructions="Hand over.", handoffs=[weather], model="gpt-5-mini")


async def main():
    set_default_openai_client(AsyncOpenAI(max_retries=0), use_for_tracing=False)
    config = RunConfig(workflow_name="weather desk", group_id="session-paris")
    print((await Runner.run(triage, "What is the weather in Paris?", run_config=config)).final_output)
    streamed = Runner.run_streamed(weather, "And the weather in Rome?", run_config=config)
    async for _ in streamed.stream_events():
        pass
    print(streamed.final_output)
    try:
        await Runner.run(weather, "Please overload: the weather in Oslo?", run_config=config)
    except Exception as error:  # noqa: BLE001
        print("refused:", type(error).__name__)


def told():
    if which != "openinference":
        return asyncio.run(main())
    with using_attributes(session_id="session-paris", user_id="user-7"):
        return asyncio.run(main())


told()
finish()
