"""Pydantic AI: the desk agent asks the weather agent through a tool; a tool asks to be tried again in a stream; a refusal.

The argument: native (its own spans by the plain SDK) or logfire (Logfire's SDK sends them, with pending spans).
"""

import asyncio
import sys

which = sys.argv[1]

if which == "logfire":
    import logfire

    logfire.configure(send_to_logfire=False, console=False, service_name="weather-service", service_version="1.4.0")
    logfire.instrument_pydantic_ai()
    finish = logfire.shutdown
else:
    from telemetry import start

    provider, finish = start()

from openai import AsyncOpenAI  # noqa: E402
from pydantic_ai import Agent, ModelRetry  # noqa: E402
from pydantic_ai.models.openai import OpenAIChatModel  # noqa: E402
from pydantic_ai.providers.openai import OpenAIProvider  # noqa: E402

if which == "native":
    Agent.instrument_all()

client = AsyncOpenAI(max_retries=0)
model = OpenAIChatModel("gpt-5-mini", provider=OpenAIProvider(openai_client=client))
weather = Agent(model, name="weather_agent", instructions="Tell the weather.", retries=2)
desk = Agent(model, name="desk_agent", instructions="Ask others.")


@weather.tool_plain
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Rome":
        raise ModelRetry("no station in Rome")
    return f"21 degrees in {city}"


@desk.tool_plain
async def ask_weather_agent(question: str) -> str:
    """Ask the weather agent."""
    return (await weather.run(question, conversation_id="session-paris")).output


async def main():
    print((await desk.run("What is the weather in Paris?", conversation_id="session-paris")).output)
    async with weather.run_stream("And the weather in Rome?", conversation_id="session-paris") as streamed:
        print(await streamed.get_output())
    try:
        await weather.run("Please overload: the weather in Oslo?", conversation_id="session-paris")
    except Exception as error:  # noqa: BLE001
        print("refused:", type(error).__name__)


asyncio.run(main())
finish()
