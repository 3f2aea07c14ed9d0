"""LangChain agents on LangGraph: the desk agent asks the weather agent through a tool; a tool fails in a stream; a refusal.

The argument says which instrumentation tells of it: openinference, traceloop, genai or langsmith.
"""

import sys

from telemetry import start

provider, finish = start()
which = sys.argv[1]

if which == "openinference":
    from openinference.instrumentation.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument(tracer_provider=provider)
elif which == "traceloop":
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor

    LangchainInstrumentor().instrument()
elif which == "genai":
    from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument()

from langchain.agents import create_agent  # noqa: E402
from langchain_core.tools import tool  # noqa: E402
from langchain_openai import ChatOpenAI  # noqa: E402

model = ChatOpenAI(model="gpt-5-mini", max_retries=0, use_responses_api=False, stream_usage=True)


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Rome":
        raise ValueError("no station in Rome")
    return f"21 degrees in {city}"


weather = create_agent(model, [get_weather], system_prompt="Tell the weather.", name="weather_agent")


@tool
def ask_weather_agent(question: str) -> str:
    """Ask the weather agent."""
    return weather.invoke({"messages": [("user", question)]})["messages"][-1].content


desk = create_agent(model, [ask_weather_agent], system_prompt="Ask others.", name="desk_agent")
config = {
    "configurable": {"thread_id": "session-paris"},
    "metadata": {"thread_id": "session-paris", "session_id": "session-paris", "user_id": "user-7"},
}

print(desk.invoke({"messages": [("user", "What is the weather in Paris?")]}, config)["messages"][-1].content)
try:
    for _ in weather.stream({"messages": [("user", "And the weather in Rome?")]}, config, stream_mode="messages"):
        pass
except ValueError as error:
    print("tool:", error)
try:
    weather.invoke({"messages": [("user", "Please overload: the weather in Oslo?")]}, config)
except Exception as error:  # noqa: BLE001
    print("refused:", type(error).__name__)

if which == "langsmith":
    from langchain_core.tracers.langchain import wait_for_all_tracers

    wait_for_all_tracers()
finish()
