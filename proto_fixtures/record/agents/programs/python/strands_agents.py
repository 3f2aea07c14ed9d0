"""Strands Agents: the desk agent asks the weather agent through a tool; a tool fails in a stream; a refusal.

The variable OTEL_SEMCONV_STABILITY_OPT_IN chooses between the old and the new conventions.
"""

from telemetry import start

provider, finish = start()

from strands import Agent, tool  # noqa: E402
from strands.models.openai import OpenAIModel  # noqa: E402

model = OpenAIModel(client_args={"max_retries": 0}, model_id="gpt-5-mini")
who = {"session.id": "session-paris", "user.id": "user-7"}


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Rome":
        raise ValueError("no station in Rome")
    return f"21 degrees in {city}"


def weather():
    settings = {"trace_attributes": who, "callback_handler": None, "retry_strategy": None}
    return Agent(name="weather_agent", model=model, tools=[get_weather], system_prompt="Tell the weather.", **settings)


@tool
def ask_weather_agent(question: str) -> str:
    """Ask the weather agent."""
    return str(weather()(question))


desk = Agent(
    name="desk_agent",
    model=model,
    tools=[ask_weather_agent],
    system_prompt="Ask others.",
    trace_attributes=who,
    callback_handler=None,
)
print(desk("What is the weather in Paris?"))
print(weather()("And the weather in Rome?"))
try:
    weather()("Please overload: the weather in Oslo?")
except Exception as error:  # noqa: BLE001
    print("refused:", type(error).__name__)
finish()
