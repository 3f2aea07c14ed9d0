"""AutoGen AgentChat: a round of two agents, a failing tool, a refusal. Its own spans, and OpenInference for the model's calls."""

import asyncio

from telemetry import start

provider, finish = start()

from autogen_agentchat.agents import AssistantAgent  # noqa: E402
from autogen_agentchat.conditions import MaxMessageTermination  # noqa: E402
from autogen_agentchat.teams import RoundRobinGroupChat  # noqa: E402
from autogen_core import SingleThreadedAgentRuntime  # noqa: E402
from autogen_core.tools import FunctionTool  # noqa: E402
from autogen_ext.models.openai import OpenAIChatCompletionClient  # noqa: E402
from openinference.instrumentation.openai import OpenAIInstrumentor  # noqa: E402

OpenAIInstrumentor().instrument(tracer_provider=provider)
model = OpenAIChatCompletionClient(model="gpt-5-mini", max_retries=0)


async def weather_of(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Rome":
        raise ValueError("no station in Rome")
    return f"21 degrees in {city}"


def weather():
    tools = [FunctionTool(weather_of, name="get_weather", description="Tell the weather of a city.")]
    return AssistantAgent(
        "weather_agent",
        model,
        tools=tools,
        system_message="Tell the weather.",
        reflect_on_tool_use=True,
        model_client_stream=False,
    )


async def main():
    reader = AssistantAgent("reader_agent", model, system_message="Read it out.")
    runtime = SingleThreadedAgentRuntime(tracer_provider=provider)
    runtime.start()
    end = MaxMessageTermination(5)
    team = RoundRobinGroupChat([weather(), reader], termination_condition=end, runtime=runtime)
    print((await team.run(task="What is the weather in Paris?")).messages[-1].content)
    print((await weather().run(task="And the weather in Rome?")).messages[-1].content)
    try:
        await weather().run(task="Please overload: the weather in Oslo?")
    except Exception as error:  # noqa: BLE001
        print("refused:", type(error).__name__)
    await runtime.stop()


asyncio.run(main())
finish()
