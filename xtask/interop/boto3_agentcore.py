"""boto3 finds, calls and stops a deployed agent runtime as on AWS.

Environment: RUNTIME_ARN, and what boto3 itself reads: AWS_ENDPOINT_URL_BEDROCK_AGENTCORE,
AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL, AWS_REGION, credentials.
Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import json
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from checks import Failed, check, equal, required, run

PROMPT = "What is the total amount of purchase order 4500000520?"


def refused(what, code, call):
    """The call fails with this error code."""
    try:
        call()
    except ClientError as error:
        equal(what, error.response["Error"]["Code"], code)
    else:
        raise Failed(f"{what}: the call succeeded")


def find_runtime(control, arn):
    pages = control.get_paginator("list_agent_runtimes").paginate(
        PaginationConfig={"PageSize": 1}
    )
    listed = {
        runtime["agentRuntimeArn"]: runtime for page in pages for runtime in page["agentRuntimes"]
    }
    check("list_agent_runtimes shows the runtime", arn in listed, sorted(listed))
    runtime_id = listed[arn]["agentRuntimeId"]

    runtime = control.get_agent_runtime(agentRuntimeId=runtime_id)
    equal("get_agent_runtime gives the same ARN", runtime["agentRuntimeArn"], arn)
    equal("it is ready", runtime["status"], "READY")
    equal("it is called as in the list", runtime["agentRuntimeName"], listed[arn]["agentRuntimeName"])
    image = runtime["agentRuntimeArtifact"]["containerConfiguration"]["containerUri"]
    check("it tells its image", bool(image))
    endpoints = control.list_agent_runtime_endpoints(agentRuntimeId=runtime_id)
    names = [endpoint["name"] for endpoint in endpoints["runtimeEndpoints"]]
    check("it has the endpoint DEFAULT", "DEFAULT" in names, names)


def converse(data, arn):
    session_id = f"interop-{uuid.uuid4()}"
    check("the session id has at least 33 characters", len(session_id) >= 33)

    def invoke(**members):
        return data.invoke_agent_runtime(
            agentRuntimeArn=arn,
            runtimeSessionId=session_id,
            contentType="application/json",
            accept="application/json",
            payload=json.dumps({"prompt": PROMPT, **members}).encode(),
        )

    answer = invoke()
    equal("invoke_agent_runtime answers 200", answer["ResponseMetadata"]["HTTPStatusCode"], 200)
    equal("the answer is of the session that was asked", answer["runtimeSessionId"], session_id)
    check("the answer is JSON", answer["contentType"].startswith("application/json"))
    body = json.loads(answer["response"].read())
    check("the answer has a text", bool(body.get("response")), body)
    print(f"    {PROMPT}\n    {body['response']}", flush=True)
    check("without include there is no trajectory", "trajectory" not in body, body)

    body = json.loads(invoke(include=["trajectory", "usage"])["response"].read())
    tools = [call["name"] for call in body["trajectory"]]
    check(f"with include it tells its tool calls: {', '.join(tools)}", bool(tools))
    check("and its tokens", body["usage"]["total_tokens"] > 0, body["usage"])

    stopped = data.stop_runtime_session(agentRuntimeArn=arn, runtimeSessionId=session_id)
    equal("stop_runtime_session names the session", stopped["runtimeSessionId"], session_id)


def refusals(control, data, arn):
    unknown = f"{arn.rsplit('/', 1)[0]}/unknown-{'a' * 10}"
    session_id = f"interop-{uuid.uuid4()}"

    def invoke(arn=arn, session_id=session_id, payload=b'{"prompt": "hello"}'):
        return data.invoke_agent_runtime(
            agentRuntimeArn=arn, runtimeSessionId=session_id, payload=payload
        )

    try:
        invoke(session_id="too-short")
        raise Failed("a short session id does not leave boto3")
    except ParamValidationError:
        check("a short session id does not leave boto3", True)
    missing = "ResourceNotFoundException"
    refused("an unknown runtime cannot be invoked", missing, lambda: invoke(arn=unknown))
    refused(
        "an unknown runtime cannot be shown",
        missing,
        lambda: control.get_agent_runtime(agentRuntimeId=f"unknown-{'a' * 10}"),
    )
    refused(
        "a body the agent does not understand is its error",
        "RuntimeClientError",
        lambda: invoke(payload=b"no json"),
    )
    data.stop_runtime_session(agentRuntimeArn=arn, runtimeSessionId=session_id)


def main():
    arn = required("RUNTIME_ARN")
    # The first answer counts: a retry would hide a fault.
    config = Config(retries={"total_max_attempts": 1}, read_timeout=120)
    control = boto3.client("bedrock-agentcore-control", config=config)
    data = boto3.client("bedrock-agentcore", config=config)
    find_runtime(control, arn)
    converse(data, arn)
    refusals(control, data, arn)


if __name__ == "__main__":
    run(main, __file__)
