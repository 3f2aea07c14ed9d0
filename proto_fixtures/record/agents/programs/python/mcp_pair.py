"""An MCP client and a server on its standard streams, both telling of the same calls: three tool calls, one of them failing.

Without argument-less start it is the client, under an ``execute_tool`` span as agents make it; ``serve`` is the server.
"""

import asyncio
import os
import sys

from telemetry import start

provider, finish = start()


def serve():
    from mcp.server import MCPServer

    server = MCPServer("weather")

    @server.tool()
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        if city == "Rome":
            raise ValueError("no station in Rome")
        return f"21 degrees in {city}"

    server.run()


async def ask():
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client
    from opentelemetry import trace

    tracer = trace.get_tracer("weather-agent")
    environment = {**os.environ, "OTEL_SERVICE_NAME": "weather-mcp-server"}
    server = stdio_client(StdioServerParameters(command=sys.executable, args=[__file__, "serve"], env=environment))
    told = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "weather_agent",
        "gen_ai.conversation.id": "session-paris",
    }
    with tracer.start_as_current_span("invoke_agent weather_agent", attributes=told):
        async with Client(server) as client:
            await client.list_tools()
            for number, city in enumerate(("Paris", "Oslo", "Rome")):
                call = {
                    "gen_ai.tool.name": "get_weather",
                    "gen_ai.tool.call.id": f"call_{number}",
                    "gen_ai.operation.name": "execute_tool",
                }
                with tracer.start_as_current_span("execute_tool get_weather", attributes=call) as span:
                    result = await client.call_tool("get_weather", {"city": city})
                    if result.is_error:
                        span.set_attribute("error.type", "tool_error")


if sys.argv[1] == "serve":
    serve()
else:
    asyncio.run(ask())
finish()
