"""Microsoft Agent Framework: the desk agent asks the weather agent through a tool; a tool fails in a stream; a refusal."""

import asyncio

from telemetry import start

provider, finish = start()

from agent_framework import Agent  # noqa: E402
from agent_framework.observability import enable_instrumentation  # noqa: E402
from agent_framework.openai import OpenAIChatCompletionClient  # noqa: E402
from openai import AsyncOpenAI  # noqa: E402

enable_instrumentation(enable_sensitive_data=True)
client = OpenAIChatCompletionClient(model="gpt-5-mini", async_client=AsyncOpenAI(max_retries=0))


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Rome":
        raise ValueError("no station in Rome")
    return f"21 degrees in {city}"


weather = Agent(client, "Tell the weather.", name="weather_agent", tools=[get_weather])


async def ask_weather_agent(question: str) -> str:
    """Ask the weather agent."""
    return (await weather.run(question)).text


desk = Agent(client, "Ask others.", name="desk_agent", tools=[ask_weather_agent])


async def main():
    print((await desk.run("What is the weather in Paris?")).text)
    async for _ in weather.run("And the weather in Rome?", stream=True):
        pass
    try:
        await weather.run("Please overload: the weather in Oslo?")
    except Exception as error:  # noqa: BLE001
        print("refused:", type(error).__name__)


asyncio.run(main())
finish()
