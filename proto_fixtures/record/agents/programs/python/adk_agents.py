"""Google ADK on Gemini: the desk agent transfers to the weather agent; a tool fails; a refusal."""

import asyncio

from telemetry import start

provider, finish = start()

from google.adk.agents import LlmAgent  # noqa: E402
from google.adk.runners import InMemoryRunner  # noqa: E402
from google.genai import types  # noqa: E402


def get_weather(city: str) -> dict:
    """Tell the weather of a city."""
    if city == "Rome":
        raise ValueError("no station in Rome")
    return {"weather": f"21 degrees in {city}"}


weather = LlmAgent(
    name="weather_agent",
    model="gemini-2.5-flash",
    description="Tells the weather.",
    instruction="Tell the weather.",
    tools=[get_weather],
    disallow_transfer_to_parent=True,
    disallow_transfer_to_peers=True,
)
desk = LlmAgent(name="desk_agent", model="gemini-2.5-flash", instruction="Hand over.", sub_agents=[weather])


async def ask(runner, text):
    message = types.Content(role="user", parts=[types.Part(text=text)])
    try:
        async for event in runner.run_async(user_id="user-7", session_id="session-paris", new_message=message):
            for part in (event.content.parts if event.content else None) or []:
                print(event.author, part.text or part.function_call or part.function_response)
    except Exception as error:  # noqa: BLE001
        print("failed:", type(error).__name__, error)


async def main():
    runner = InMemoryRunner(agent=desk, app_name="weather_desk")
    await runner.session_service.create_session(app_name="weather_desk", user_id="user-7", session_id="session-paris")
    await ask(runner, "What is the weather in Paris?")
    await ask(runner, "And the weather in Rome?")
    await ask(runner, "Please overload: the weather in Oslo?")


asyncio.run(main())
finish()
