"""The official MCP client for Python lists and calls the gateway's tools, finding its way to a token by itself.

Environment: FLYWHEEL_GATEWAY_URL, FLYWHEEL_OAUTH_TOKEN_URL, FLYWHEEL_OAUTH_CLIENT_ID, FLYWHEEL_OAUTH_SCOPE,
FLYWHEEL_OAUTH_CLIENT_SECRET_ID, and what boto3 reads (AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_REGION, credentials).
Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import asyncio
import json
import logging
import warnings

import httpx2
from mcp import Client, MCPError
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPDeprecationWarning

from checks import Failed, check, client_secret, equal, required, run

PREFIX = "sap___"
TOOL = PREFIX + "get_complete_po_data"
ORDER = "4500000520"
# How a client may speak: with the handshake, without, and as it finds out by itself.
MODES = {"legacy": "2025-11-25", "2026-07-28": "2026-07-28", "auto": "2026-07-28"}
INVALID_PARAMS = -32602


class Memory:
    """Keeps tokens for as long as this script runs."""

    def __init__(self):
        self.tokens = None
        self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


def oauth(memory, secret, method="client_secret_basic"):
    return ClientCredentialsOAuthProvider(
        server_url=required("FLYWHEEL_GATEWAY_URL"),
        storage=memory,
        client_id=required("FLYWHEEL_OAUTH_CLIENT_ID"),
        client_secret=secret,
        token_endpoint_auth_method=method,
        scope=required("FLYWHEEL_OAUTH_SCOPE"),
        issuer=required("FLYWHEEL_OAUTH_TOKEN_URL").removesuffix("/oauth2/token"),
    )


def client(http, mode):
    return Client(streamable_http_client(required("FLYWHEEL_GATEWAY_URL"), http_client=http), mode=mode)


async def all_tools(session):
    tools, pages, cursor = [], 0, None
    while True:
        page = await session.list_tools(cursor=cursor)
        tools += page.tools
        pages += 1
        cursor = page.next_cursor
        if cursor is None:
            return tools, pages


async def call(session, tool, **arguments):
    result = await session.call_tool(tool, arguments)
    if result.is_error:
        raise Failed(f"{tool} {arguments}: {result.content}")
    return json.loads(result.content[0].text)


async def refused(what, code, awaitable):
    try:
        await awaitable
    except MCPError as error:
        equal(what, error.error.code, code)
    else:
        raise Failed(f"{what}: the call succeeded")


async def use(mode, version, secret):
    memory = Memory()
    async with httpx2.AsyncClient(auth=oauth(memory, secret), timeout=30) as http:
        async with client(http, mode) as session:
            equal(f"{mode}: the client agrees on a version", session.protocol_version, version)
            tools, pages = await all_tools(session)
            equal(f"{mode}: the client has found its token", memory.tokens.token_type, "Bearer")
            names = [tool.name for tool in tools]
            equal(f"{mode}: no tool is listed twice", len(set(names)), len(names))
            check(f"{mode}: {len(names)} tools on {pages} pages", TOOL in names, names)
            check(f"{mode}: all have the target's prefix", all(n.startswith(PREFIX) for n in names), names)
            check(f"{mode}: all are described", all(tool.description for tool in tools))

            order = await call(session, TOOL, po_number=ORDER)
            summary = order["summary"]
            facts = (
                summary["total_net_amount"],
                summary["currency"],
                summary["total_quantity"],
                summary["item_count"],
                order["purchase_order"]["supplier"],
                order["purchase_order"]["order_date"],
            )
            expected = (
                "209236.00",
                "USD",
                [{"unit": "EA", "quantity": "2896"}],
                7,
                "USSU-VSF08",
                "2019-10-21",
            )
            equal(f"{mode}: the tool answers about order {ORDER}", facts, expected)
            wrong = await call(session, TOOL, po_number="no number")
            equal(f"{mode}: a bad argument is named", (wrong["status"], wrong["argument"]), ("invalid_argument", "po_number"))
            missing = await call(session, TOOL, po_number="9999999999")
            equal(f"{mode}: an unknown order is not found", missing["status"], "not_found")
            unknown = session.call_tool(PREFIX + "nothing", {})
            await refused(f"{mode}: an unknown tool is refused", INVALID_PARAMS, unknown)
            cursor = session.list_tools(cursor="nonsense")
            await refused(f"{mode}: an unknown cursor is refused", INVALID_PARAMS, cursor)
            if mode == "legacy":
                await session.send_ping()
                check(f"{mode}: ping is answered", True)
                for tool in tools:
                    if not tool.input_schema.get("required"):
                        answer = await call(session, tool.name)
                        # One of two optional arguments may be needed, which the schema cannot say.
                        good = answer["status"] in ("ok", "invalid_argument")
                        check(f"{mode}: {tool.name} answers without arguments", good, answer)


async def refuse_strangers():
    async with httpx2.AsyncClient(timeout=30) as http:
        answer = await http.post(
            required("FLYWHEEL_GATEWAY_URL"), json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        )
        equal("without a token the gateway answers 401", answer.status_code, 401)
        check("and says where to get one", "resource_metadata=" in answer.headers["www-authenticate"])
    async with httpx2.AsyncClient(auth=oauth(Memory(), "wrong"), timeout=30) as http:
        try:
            async with client(http, "legacy"):
                raise Failed("a wrong client secret is refused")
        except Failed:
            raise
        except BaseException as error:
            check("a wrong client secret is refused", holds_flow_error(error), error)


def holds_flow_error(error):
    """The client's tasks wrap what went wrong into groups."""
    inner = getattr(error, "exceptions", [])
    return isinstance(error, OAuthFlowError) or any(holds_flow_error(e) for e in inner)


async def main():
    # The client warns about the refusals that are meant to happen.
    logging.disable(logging.ERROR)
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    secret = client_secret()
    for mode, version in MODES.items():
        await use(mode, version, secret)
    memory = Memory()
    posted = oauth(memory, secret, "client_secret_post")
    async with httpx2.AsyncClient(auth=posted, timeout=30) as http, client(http, "auto") as session:
        tools, _ = await all_tools(session)
        check("the secret may be sent in the form too", len(tools) > 0)
    await refuse_strangers()


if __name__ == "__main__":
    run(lambda: asyncio.run(main()), __file__)
