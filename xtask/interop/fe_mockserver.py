"""The SAP function against somebody else's OData server: SAP's own mock server for Fiori apps.

What the emulated SAP system says of a few hundred orders (`$metadata` and rows) is given to `fe-mockserver-core`; the
function then asks that server in place of the emulator, through both purchase-order services, and must come to the
same answers, or to what follows from the rows. Deviations of the mock server are in DEVIATIONS, each with a name.

Environment: SAP_BASE_URL, SAP_USERNAME, SAP_PASSWORD of the emulated system; SAP_LAMBDA_BINARY (default
target/debug/sap-lambda); NODE_PACKAGES, the folder whose node_modules holds @sap-ux/fe-mockserver-core 1.7.16 (default
target/interop/node). Needs `node`. Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import base64
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal

import lambda_runtime_api
from checks import check, equal, required, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "/sap/opu/odata/sap"
PROCESS_API = "API_PURCHASEORDER_PROCESS_SRV"
FACT_SHEET = "C_PURCHASEORDER_FS_SRV"

# The mock server scans every row for every condition; all 2,100 orders would keep it busy for minutes.
ORDERS = [(1, 60), (140, 140), (205, 206), (301, 301), (350, 350), (402, 402), (480, 530), (1188, 1188), (1505, 1530)]
ORDERS += [(1560, 1570), (1686, 1686), (1805, 1830), (1860, 1870), (2082, 2090)]

# Sets of every service, and the property that says which order a row belongs to.
SETS = {
    FACT_SHEET: {
        "C_PurchaseOrderFs": "PurchaseOrder",
        "I_PurchaseOrderItem": "PurchaseOrder",
        "I_PurchaseOrderScheduleLine": "PurchaseOrder",
        "C_PurchaseOrderGoodsReceipt": "PurchaseOrder",
    },
    PROCESS_API: {
        "A_PurchaseOrder": "PurchaseOrder",
        "A_PurchaseOrderItem": "PurchaseOrder",
        "A_PurchaseOrderScheduleLine": "PurchasingDocument",
    },
    "API_MATERIAL_STOCK_SRV": {"A_MatlStkInAcctMod": None, "A_MaterialStock": None},
    "API_MATERIAL_DOCUMENT_SRV": {"A_MaterialDocumentItem": "PurchaseOrder", "A_MaterialDocumentHeader": None},
}

# Tool, arguments: answered alike by both servers, because all that they are about is in the rows.
ALIKE = [
    ("get_complete_po_data", {"po_number": "4500000520"}),
    ("get_complete_po_data", {"po_number": "4500000007"}),
    ("get_complete_po_data", {"po_number": "4500000033"}),
    ("get_complete_po_data", {"po_number": "4500000205"}),
    ("get_complete_po_data", {"po_number": "4500000402"}),
    ("get_complete_po_data", {"po_number": "4500000013"}),
    ("search_purchase_orders", {"search_term": "4500000520"}),
    ("search_purchase_orders", {"search_term": "FS-HB-M5X20", "search_field": "material"}),
    ("search_purchase_orders", {"search_term": "JPSU-VSF02", "search_field": "supplier"}),
    ("list_purchase_orders", {"date_from": "2025-08-27"}),
    ("list_purchase_orders", {"limit": 3, "supplier": "USSU-VSF04", "date_from": "2025-08-28"}),
    ("list_purchase_orders", {"status": "deleted"}),
    ("list_purchase_orders", {"status": "on_hold"}),
    ("get_goods_receipts", {"po_number": "4500000520"}),
    ("get_goods_receipts", {"po_number": "4500001810"}),
    ("get_goods_receipts", {"po_number": "4500001686"}),
    ("get_goods_receipts", {"material_number": "RM-GRS-01", "po_number": "4500000205"}),
    ("get_material_stock", {"material_number": "MZ-RM-C990-01"}),
    ("get_material_stock", {"material_number": "FS-HB-M5X20"}),
    ("get_material_stock", {"low_stock_only": True, "threshold": 3}),
]

# What the mock server does otherwise than SAP, and a call that shows it.
DEVIATIONS = {
    "a doubled quote in a literal is answered with 500": (
        ("search_purchase_orders", {"search_term": "O'Connor", "search_field": "supplier"}),
        {"status": "error", "kind": "unavailable"},
    ),
}

# The same of what the function does not depend on: requests, and what SAP would not answer.
HEADER = f"{FACT_SHEET}/C_PurchaseOrderFs"
UNSEEN_DEVIATIONS = {
    "the suffix of a decimal is answered with 500": (
        f"{HEADER}?$filter=PurchaseOrderNetAmount%20gt%201M",
        lambda status, body: status == 500,
    ),
    "a name that is not there can be selected": (
        f"{HEADER}?$select=Colour",
        lambda status, body: status == 200,
    ),
    "__count is a number and always there": (
        f"{HEADER}?$top=1",
        lambda status, body: isinstance(json.loads(body)["d"]["__count"], int),
    ),
}


class Sap:
    """The emulated system, read directly."""

    def __init__(self):
        self.base = required("SAP_BASE_URL").rstrip("/")
        user = f"{required('SAP_USERNAME')}:{required('SAP_PASSWORD')}"
        self.authorization = "Basic " + base64.b64encode(user.encode()).decode()

    def get(self, url):
        headers = {"Authorization": self.authorization, "Accept": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.read()

    def rows(self, service, entity_set, order):
        """All rows of the chosen orders, without what is not data."""
        number = lambda n: f"'{4_500_000_000 + n}'"
        ranges = [f"({order} ge {number(first)} and {order} le {number(last)})" for first, last in ORDERS]
        query = {"$filter": " or ".join(ranges)} if order else {}
        url = f"{self.base}/{service}/{entity_set}?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"
        rows = []
        while url:
            page = json.loads(self.get(url))["d"]
            rows += [{k: v for k, v in row.items() if not isinstance(v, dict)} for row in page["results"]]
            url = page.get("__next")
        return rows


def export(sap, folder):
    """Writes what the mock server reads; returns the rows by set."""
    image = {}
    for service, sets in SETS.items():
        place = folder / service
        place.mkdir()
        (place / "metadata.xml").write_bytes(sap.get(f"{sap.base}/{service}/$metadata"))
        for name, order in sets.items():
            image[name] = sap.rows(service, name, order)
    posted = {row["MaterialDocument"] for row in image["A_MaterialDocumentItem"]}
    headers = image["A_MaterialDocumentHeader"]
    image["A_MaterialDocumentHeader"] = [row for row in headers if row["MaterialDocument"] in posted]
    for service, sets in SETS.items():
        for name in sets:
            text = json.dumps(image[name], ensure_ascii=False)
            (folder / service / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"    {', '.join(f'{name} {len(rows)}' for name, rows in image.items())}", flush=True)
    return image


@contextlib.contextmanager
def mock_server(folder):
    """URL before the service names; the server ends with the block."""
    packages = os.environ.get("NODE_PACKAGES") or ROOT / "target/interop/node"
    command = ["node", ROOT / "xtask/interop/fe_mockserver.mjs", packages, folder, PREFIX]
    pipe = subprocess.PIPE
    # It writes a page about every request that it cannot read.
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True) as process:
            try:
                port = process.stdout.readline().strip()
                log.seek(0)
                check("the mock server reads the metadata and serves", port.isdigit(), port or log.read()[:2000])
                yield f"http://127.0.0.1:{port}{PREFIX}"
            finally:
                process.kill()


@contextlib.contextmanager
def function(base_url, service):
    """The function's way to be called; it asks that server."""
    binary = pathlib.Path(os.environ.get("SAP_LAMBDA_BINARY") or ROOT / "target/debug/sap-lambda").resolve()
    with lambda_runtime_api.Neighbours() as neighbours:
        variables = {"SAP_SERVICE": service}
        start = lambda_runtime_api.Environment([str(binary)], neighbours.url, base_url, variables)
        with start as environment:
            environment.wait_until_ready()
            yield environment.call


def number(value):
    return Decimal(value)


def open_lines(image):
    """Open quantity by order, item, material and unit, out of the rows."""
    items = {(row["PurchaseOrder"], row["PurchaseOrderItem"]): row for row in image["I_PurchaseOrderItem"]}
    found = {}
    for row in image["I_PurchaseOrderScheduleLine"]:
        item = items[(row["PurchaseOrder"], row["PurchaseOrderItem"])]
        key = (row["PurchaseOrder"], str(int(row["PurchaseOrderItem"])), item["Material"], row["PurchaseOrderQuantityUnit"])
        found[key] = found.get(key, 0) + number(row["OpenPurchaseOrderQuantity"])
    return {key: quantity for key, quantity in found.items() if quantity}


def summed(pairs):
    """Adds what has the same key."""
    sums = {}
    for key, quantity in pairs:
        sums[key] = sums.get(key, 0) + quantity
    return sums


def listed(quantities, *key):
    return {(*key, entry["unit"]): number(entry["quantity"]) for entry in quantities}


def whole_system(call, image):
    """Tools that look at everything: what they say follows from the rows."""
    lines = open_lines(image)
    answer = call("get_open_purchase_orders", {"limit": 100})
    found = {}
    for order in answer["orders"]:
        found |= listed(order["open_quantity"], order["po_number"])
    expected = summed(((order, unit), quantity) for (order, _, _, unit), quantity in lines.items())
    equal(f"get_open_purchase_orders finds the {len(expected)} orders that are open, and how much", found, expected)

    answer = call("get_orders_in_transit", {"limit": 100})
    found = {
        (order["po_number"], item["item"], item["material"], item["unit"]): number(item["open"])
        for order in answer["orders"]
        for item in order["items"]
    }
    equal(f"get_orders_in_transit finds their {len(lines)} items", found, lines)

    answer = call("get_material_in_transit", {"limit": 200})
    found = {}
    for material in answer["materials"]:
        found |= listed(material["open"], material["material"])
    expected = summed(((material, unit), quantity) for (_, _, material, unit), quantity in lines.items())
    equal(f"get_material_in_transit adds them up to {len(expected)} materials", found, expected)

    answer = call("get_inventory_with_open_orders", {})
    stocked = {row["Material"] for row in image["A_MatlStkInAcctMod"]}
    found = {row["material"] for row in answer["materials"]}
    equal("get_inventory_with_open_orders finds what is in stock and on order", found, stocked & {m for _, _, m, _ in lines})
    unrestricted = summed(
        ((row["Material"], row["Plant"]), number(row["MatlWrhsStkQtyInMatlBaseUnit"]))
        for row in image["A_MatlStkInAcctMod"]
        if row["InventoryStockType"] == "01" and not row["InventorySpecialStockType"]
    )
    found = {(row["material"], row["plant"]): number(row["unrestricted_stock"]) for row in answer["materials"]}
    equal("    with its unrestricted stock", found, {key: unrestricted.get(key, 0) for key in found})

    active = [r for r in image["I_PurchaseOrderItem"] if not r["PurchasingDocumentDeletionCode"] and not r["IsReturnsItem"]]
    delivery = {id(r) for r in active if r["GoodsReceiptIsExpected"] and not r["IsCompletelyDelivered"]}
    invoice = {id(r) for r in active if r["InvoiceIsExpected"] and not r["IsFinallyInvoiced"]}
    expected = {
        "awaiting_delivery": len(delivery),
        "awaiting_invoice": len(invoice),
        "awaiting_both": len(delivery & invoice),
    }
    answer = call("get_orders_awaiting_invoice_or_delivery", {"limit": 5})
    equal(f"get_orders_awaiting_invoice_or_delivery counts {expected}", answer["counts"], expected)


def documented_order(call, service):
    """The facts of purchase order 4500000520."""
    answer = call("get_complete_po_data", {"po_number": "4500000520"})
    order, summary = answer["purchase_order"], answer["summary"]
    facts = (order["supplier"], order["order_date"], summary["item_count"], summary["total_quantity"], summary["total_net_amount"])
    expected = ("USSU-VSF08", "2019-10-21", 7, [{"unit": "EA", "quantity": "2896"}], "209236.00")
    equal(f"{service}: purchase order 4500000520 has its facts", facts, expected)


def ask(url):
    """Status and body of the mock server's answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "application/json"}), timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def main():
    lambda_runtime_api.USER, lambda_runtime_api.PASSWORD = required("SAP_USERNAME"), required("SAP_PASSWORD")
    sap = Sap()
    with tempfile.TemporaryDirectory() as folder:
        image = export(sap, pathlib.Path(folder))
        with mock_server(folder) as mock:
            for name, (path, shows) in UNSEEN_DEVIATIONS.items():
                check(f"allowed: {name}", shows(*ask(f"{mock}/{path}")))
            for service in (FACT_SHEET, PROCESS_API):
                with function(mock, service) as ask_mock, function(sap.base, service) as ask_emulator:
                    documented_order(ask_mock, service)
                    for tool, arguments in ALIKE:
                        what = f"{service}: {tool} {json.dumps(arguments)}"
                        equal(f"{what} is answered alike", ask_mock(tool, arguments), ask_emulator(tool, arguments))
                    whole_system(ask_mock, image)
                    for name, ((tool, arguments), expected) in DEVIATIONS.items():
                        answer = ask_mock(tool, arguments)
                        found = {key: answer.get(key) for key in expected}
                        equal(f"allowed: {name}", found, expected)
                        equal("    the emulator answers", ask_emulator(tool, arguments)["status"], "ok")


if __name__ == "__main__":
    run(main, __file__)
