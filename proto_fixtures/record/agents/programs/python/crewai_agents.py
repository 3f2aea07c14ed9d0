"""CrewAI: a crew of two agents and two tasks, a failing tool, a refusal.

The argument says who tells of it: native (its own spans), traceloop or openinference.
"""

import sys
from contextlib import nullcontext

from telemetry import start

provider, finish = start()
which = sys.argv[1]

if which == "openinference":
    from openinference.instrumentation.crewai import CrewAIInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    CrewAIInstrumentor().instrument(tracer_provider=provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)  # the crew's own instrumentation does not tell of the model
elif which == "traceloop":
    from opentelemetry.instrumentation.crewai import CrewAIInstrumentor
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    CrewAIInstrumentor().instrument()
    OpenAIInstrumentor().instrument()

from crewai import LLM, Agent, Crew, Task  # noqa: E402
from crewai.tools import tool  # noqa: E402


@tool("get_weather")
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Rome":
        raise ValueError("no station in Rome")
    return f"21 degrees in {city}"


model = LLM(model="gpt-5-mini", max_retries=0)


def crew(city, extra=""):
    settings = {"llm": model, "allow_delegation": False, "max_iter": 3, "max_retry_limit": 0}
    weather = Agent(role="weather_agent", goal="Tell the weather.", backstory="At the desk.", tools=[get_weather], **settings)
    reader = Agent(role="reader_agent", goal="Read it out.", backstory="On the radio.", **settings)
    tasks = [Task(description=f"{extra}What is the weather in {city}?", expected_output="A sentence.", agent=weather)]
    if city == "Paris":
        tasks.append(Task(description=f"Read out the weather in {city}.", expected_output="A sentence.", agent=reader))
    return Crew(name="weather crew", agents=[weather, reader] if city == "Paris" else [weather], tasks=tasks)


def told(number):
    """CrewAI's own spans come from a session that its host opens around a crew."""
    if which != "native":
        return nullcontext()
    from crewai.telemetry.tracing import telemetry_session
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    who = {"gen_ai.conversation.id": "session-paris"}
    run = f"00000000-0000-4000-8000-00000000000{number}"
    return telemetry_session(run, "weather crew", [OTLPSpanExporter()], resource=provider.resource, attributes=who)


with told(1):
    print(crew("Paris").kickoff())
with told(2):
    print(crew("Rome").kickoff())
try:
    with told(3):
        crew("Oslo", "Please overload: ").kickoff()
except Exception as error:  # noqa: BLE001
    print("refused:", type(error).__name__)
finish()
