"""What the predecessor's language costs: one purchase order in Python, the way that Lambda went about it.

Secret by boto3 when the module is imported, urllib with the default TLS context for each request, a new connection a
request, decimals as floats, totals over all items, an answer of text in an envelope. Written for the benchmark; it
makes the same two requests as ours and nobody should deploy it.
"""

import base64
import json
import os
import re
import urllib.parse
import urllib.request

SERVICE = f"{os.environ['SAP_BASE_URL']}/C_PURCHASEORDER_FS_SRV"


def read_secret():
    # Without the AWS SDK: what remains is Python and its runtime client.
    if "BENCH_SECRET" in os.environ:
        return json.loads(os.environ["BENCH_SECRET"])
    import boto3

    client = boto3.client("secretsmanager", region_name=os.environ["AWS_REGION"])
    return json.loads(client.get_secret_value(SecretId=os.environ["SAP_SECRET_ID"])["SecretString"])


SECRET = read_secret()
LOGON = base64.b64encode(f"{SECRET['username']}:{SECRET['password']}".encode()).decode()
WIRE_DATE = re.compile(r"/Date\((\d+)([+-]\d{4})?\)/")


def rows(entity_set, select, po_number, **more):
    query = {"$filter": f"PurchaseOrder eq '{po_number}'", "$select": select, "$format": "json", **more}
    request = urllib.request.Request(f"{SERVICE}/{entity_set}?{urllib.parse.urlencode(query)}")
    request.add_header("Authorization", f"Basic {LOGON}")
    request.add_header("Accept", "application/json")
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["d"]["results"]


def lambda_handler(event, context):
    po_number = event["po_number"]
    header = rows("I_PurchaseOrder", "PurchaseOrder,CompanyCode,Supplier,DocumentCurrency,PurchaseOrderDate", po_number)
    items = rows(
        "I_PurchaseOrderItem",
        "PurchaseOrderItem,Material,PurchaseOrderItemText,OrderQuantity,PurchaseOrderQuantityUnit,NetPriceAmount,NetAmount,DocumentCurrency",
        po_number,
        **{"$orderby": "PurchaseOrderItem asc"},
    )
    order = header[0] if header else {}
    for name, value in order.items():
        if isinstance(value, str) and (match := WIRE_DATE.match(value)):
            order[name] = int(match.group(1)) // 1000
    lines = [
        {
            "item": int(item["PurchaseOrderItem"]),
            "material": item["Material"],
            "name": item["PurchaseOrderItemText"],
            "qty": float(item["OrderQuantity"]),
            "uom": item["PurchaseOrderQuantityUnit"],
            "price": float(item["NetPriceAmount"]),
            "net": float(item["NetAmount"]),
            "currency": item["DocumentCurrency"],
        }
        for item in items
    ]
    answer = {
        "purchase_order": po_number,
        "header": order,
        "items": lines,
        "summary": {
            "items_count": len(lines),
            "total_value": sum(line["net"] for line in lines),
            "total_quantity": sum(line["qty"] for line in lines),
        },
    }
    body = {"TEXT": {"body": json.dumps(answer)}}
    return {"messageVersion": "1.0", "response": {"functionResponse": {"responseBody": body}}}
