"""boto3 finds a Lambda function's log lines in CloudWatch Logs as on AWS.

Environment: FLYWHEEL_SAP_LOG_GROUP, and what boto3 itself reads: AWS_ENDPOINT_URL_CLOUDWATCH_LOGS,
AWS_ENDPOINT_URL_LAMBDA, AWS_REGION, credentials.
Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import base64
import json
import time

import boto3
from botocore.exceptions import ClientError

from checks import Failed, check, equal, required, run

# CloudWatch shows lines a moment after they were written.
WAIT_SECONDS = 20
INTERVAL_SECONDS = 0.2


def refused(what, code, call, **arguments):
    """The call fails with this error code."""
    try:
        call(**arguments)
    except ClientError as error:
        equal(what, error.response["Error"]["Code"], code)
    else:
        raise Failed(f"{what}: the call succeeded")


def invoke(function):
    """Calls a tool as the gateway does; gives the request id."""
    context = {"custom": {"bedrockAgentCoreToolName": "sap___get_complete_po_data"}}
    answer = boto3.client("lambda").invoke(
        FunctionName=function,
        ClientContext=base64.b64encode(json.dumps(context).encode()).decode(),
        Payload=json.dumps({"po_number": "4500000520"}),
    )
    equal("the function answers", json.load(answer["Payload"])["status"], "ok")
    return answer["ResponseMetadata"]["RequestId"]


def events(logs, group, **search):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **search)
    return [event for page in pages for event in page["events"]]


def main():
    group = required("FLYWHEEL_SAP_LOG_GROUP")
    logs = boto3.client("logs")
    before_ms = int(time.time() * 1000) - 1000
    request_id = invoke(group.rsplit("/", 1)[1])
    search = {"filterPattern": f'"{request_id}"', "startTime": before_ms}
    deadline = time.monotonic() + WAIT_SECONDS
    found = events(logs, group, **search)
    while not found and time.monotonic() < deadline:
        time.sleep(INTERVAL_SECONDS)
        found = events(logs, group, **search)
    equal("one line tells of the invocation", len(found), 1)
    line = json.loads(found[0]["message"])
    equal("it has the invocation's id", line["request_id"], request_id)
    equal("it tells the tool", line["tool"], "get_complete_po_data")
    asked = [request["status"] for request in line["sap_requests"]]
    check(f"it tells of {len(asked)} requests to SAP", asked and set(asked) == {200}, asked)
    equal("it has a digest of the answer", len(line["result_sha256"]), 64)
    after_ms = int(time.time() * 1000) + 1000
    check("it has its own time", before_ms <= found[0]["timestamp"] <= after_ms)
    later = events(logs, group, filterPattern=search["filterPattern"], startTime=after_ms)
    equal("a later time finds nothing", later, [])

    whole = events(logs, group, startTime=before_ms)
    paged = events(logs, group, startTime=before_ms, PaginationConfig={"PageSize": 1})
    ids = [event["eventId"] for event in paged]
    equal("pages of one event add up", ids, [event["eventId"] for event in whole])
    times = [event["timestamp"] for event in paged]
    equal("events are in order", times, sorted(times))

    filter_events = logs.filter_log_events
    refused(
        "an unknown group is refused",
        "ResourceNotFoundException",
        filter_events,
        logGroupName="/aws/lambda/no-such-function",
    )
    refused(
        "a bad token is refused",
        "InvalidParameterException",
        filter_events,
        logGroupName=group,
        nextToken="nonsense",
    )


if __name__ == "__main__":
    run(main, __file__)
