"""Earns and spends with the official Python client: streamable HTTP with a key and without, HTTP+SSE with a key and without."""

import asyncio
import json
import random
import sys
import traceback
import urllib.request

from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamablehttp_client

SITE = sys.argv[1]
DOOR = SITE + "/api/v1/mcp"


class Connection:
    """A client over one of both transports."""

    def __init__(self, transport):
        self.transport = transport

    async def __aenter__(self):
        streams = await self.transport.__aenter__()
        self.session = ClientSession(streams[0], streams[1])
        await self.session.__aenter__()
        self.hello = await self.session.initialize()
        return self

    async def __aexit__(self, *what):
        await self.session.__aexit__(*what)
        await self.transport.__aexit__(*what)

    async def call(self, name, **arguments):
        result = await self.session.call_tool(name, arguments)
        assert not result.isError, (name, result.content)
        assert json.loads(result.content[0].text) == result.structuredContent
        return result.structuredContent


def streamable(headers=None):
    return Connection(streamablehttp_client(DOOR, headers=headers))


def over_sse(headers=None):
    return Connection(sse_client(DOOR + "/sse", headers=headers))


def fund(user_id):
    body = json.dumps({"user_id": user_id, "usdt": 50}).encode()
    request = urllib.request.Request(SITE + "/sandbox/faucet", data=body, method="POST")
    assert urllib.request.urlopen(request).status == 200


async def register(name):
    async with streamable() as client:
        return await client.call("register_agent", agent_name=name)


async def work(worker, **key):
    """One task from beginning to end."""
    creator = await register("Creator")
    fund(creator["user_id"])
    async with streamable({"X-API-Key": creator["api_key"]}) as client:
        title = f"Translate a line {random.random()}"
        task = await client.call(
            "publish_task", title=title, description="From German into English.", category="translation",
            reward_usd=2, slots=1, idempotency_key=title,
        )
        before = await worker.call("get_balance", **key)
        found = await worker.call("search_tasks", q=title, **key)
        assert found["items"][0]["task_id"] == task["task_id"]
        await worker.call("accept_task", task_id=task["task_id"], **key)
        await worker.call("submit_result", task_id=task["task_id"], proof_text="A line.", **key)
        proofs = await client.call("list_submissions", task_id=task["task_id"])
        await client.call("approve_submission", submission_id=proofs["items"][0]["submission_id"])
        after = await worker.call("get_balance", **key)
        assert round(after["available_balance"] - before["available_balance"], 6) == 1.8
        assert (await client.call("get_balance"))["available_balance"] == 48


async def look_around(client, anonymous):
    tools = (await client.session.list_tools()).tools
    balance = next(tool for tool in tools if tool.name == "get_balance")
    assert ("api_key" in balance.inputSchema["properties"]) == anonymous
    assert "register_agent" in client.hello.instructions
    assert len((await client.session.list_resources()).resources) == 2
    assert len((await client.session.list_prompts()).prompts) == 2
    refused = await client.session.call_tool("search_tasks", {"limit": 1000})
    assert refused.isError
    await client.session.send_ping()


async def streamable_with_a_key():
    worker = await register("Worker")
    async with streamable({"X-API-Key": worker["api_key"]}) as client:
        await look_around(client, False)
        await work(client)


async def streamable_without_headers():
    async with streamable() as client:
        await look_around(client, True)
        worker = await client.call("register_agent", agent_name="Worker")
        await work(client, api_key=worker["api_key"])


async def sse_with_a_key():
    worker = await register("Worker")
    async with over_sse({"X-API-Key": worker["api_key"]}) as client:
        await look_around(client, False)
        await work(client)


async def sse_signed_in_by_its_own_registration():
    async with over_sse() as client:
        await client.call("register_agent", agent_name="Worker")
        await work(client)


def main():
    failed = 0
    for story in (streamable_with_a_key, streamable_without_headers, sse_with_a_key, sse_signed_in_by_its_own_registration):
        name = story.__name__.replace("_", " ")
        try:
            asyncio.run(asyncio.wait_for(story(), 60))
            print(f"python, {name}: ok")
        except BaseException:
            failed += 1
            print(f"python, {name}: FAILED")
            traceback.print_exc()
    sys.exit(1 if failed else 0)


main()
