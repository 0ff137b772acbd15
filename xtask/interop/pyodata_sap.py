"""pyodata, SAP's own OData v2 client, reads the emulated SAP system as it reads a real one.

Environment: SAP_BASE_URL (ends before the service names), SAP_USERNAME, SAP_PASSWORD.
Packages: pyodata 1.12.1, requests. Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import datetime
import decimal
import warnings

import pyodata
import requests
from pyodata.exceptions import HttpError
from pyodata.v2.model import Config, PolicyFatal
from pyodata.v2.service import EntityKey, FilterExpression
from checks import Failed, check, equal, required, run

Decimal = decimal.Decimal
ORDER = "4500000520"
TOTAL = Decimal("209236.00")
SERVICES = {
    "C_PURCHASEORDER_FS_SRV": [
        "C_PurOrdItemEnh",
        "C_PurchaseOrderFs",
        "C_PurchaseOrderGoodsReceipt",
        "I_PurchaseOrder",
        "I_PurchaseOrderItem",
        "I_PurchaseOrderScheduleLine",
    ],
    "API_PURCHASEORDER_PROCESS_SRV": ["A_PurchaseOrder", "A_PurchaseOrderItem", "A_PurchaseOrderScheduleLine"],
    "API_MATERIAL_STOCK_SRV": ["A_MaterialStock", "A_MatlStkInAcctMod"],
    "API_MATERIAL_DOCUMENT_SRV": ["A_MaterialDocumentHeader", "A_MaterialDocumentItem"],
}


def refused(what, status, request):
    """The request fails with this status."""
    try:
        request.execute()
    except HttpError as error:
        equal(what, error.response.status_code, status)
    else:
        raise Failed(f"{what}: the request succeeded")


def total(values):
    """pyodata leaves decimals as they are spelled."""
    return sum(map(Decimal, values))


def connect():
    """A client for every service; nothing odd in the metadata is forgiven."""
    session = requests.Session()
    session.trust_env = False
    session.auth = (required("SAP_USERNAME"), required("SAP_PASSWORD"))
    base = required("SAP_BASE_URL").rstrip("/")
    config = Config(default_error_policy=PolicyFatal(), retain_null=True)
    clients = {}
    for service, expected in SERVICES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            client = pyodata.Client(f"{base}/{service}", session, config=config)
        names = sorted(entity_set.name for entity_set in client.schema.entity_sets)
        equal(f"the metadata of {service} is read, its sets are known", names, expected)
        for name in names:
            request = getattr(client.entity_sets, name).get_entities().top(1).count(inline=True)
            rows = request.execute()
            check(f"    {name} has entities: {rows.total_count}", rows.total_count > 0 and len(rows) == 1)
        clients[service] = client
    return clients, session


def fact_sheet(sets):
    order = sets.I_PurchaseOrder.get_entity(ORDER).execute()
    equal("the order is found by its key", order.Supplier, "USSU-VSF08")
    day = datetime.datetime(2019, 10, 21, tzinfo=datetime.timezone.utc)
    equal("its date is a day in UTC", order.PurchaseOrderDate, day)
    changed = order.LastChangeDateTime
    check("its time of change is a moment", changed.date() == day.date() and changed.hour > 0, changed)

    found = sets.C_PurchaseOrderFs.get_entities().filter(PurchaseOrder=ORDER).execute()
    equal("and by a filter", [(o.PurchaseOrder, o.SupplierName) for o in found], [(ORDER, "Summit Bike Components Inc.")])
    equal("its total is on the header", Decimal(found[0].PurchaseOrderNetAmount), TOTAL)

    items = sets.I_PurchaseOrderItem.get_entities().filter(PurchaseOrder=ORDER).order_by("PurchaseOrderItem").execute()
    equal("it has seven items", [item.PurchaseOrderItem for item in items], [f"{10 * n:05}" for n in range(1, 8)])
    equal("their values add up to the total", total(item.NetAmount for item in items), TOTAL)
    equal("their quantities add up", total(item.OrderQuantity for item in items), Decimal(2896))
    line = sets.I_PurchaseOrderItem.get_entity(PurchaseOrderItem="00040", PurchaseOrder=ORDER).execute()
    equal("an item is found by its key of two", line.Material, "MZ-RM-C990-04")
    equal("a property that was not asked for is fetched", fetched_later(sets), "Summit Bike Components Inc.")

    request = sets.C_PurchaseOrderFs.get_entities().filter(SupplierName="O'Connor & Sons Cycle Parts")
    equal("an apostrophe in a filter is doubled and read", len(request.execute()), 4)
    request = sets.C_PurchaseOrderFs.get_entities().filter(SupplierName__contains="O'Connor").order_by("PurchaseOrder desc")
    equal("so it is in substringof", [o.PurchaseOrder for o in request.execute()][:2], ["4500001402", "4500000902"])

    count = sets.I_PurchaseOrder.get_entities().count().execute()
    equal("$count counts all orders", count, 2100)
    since = datetime.datetime(2025, 8, 11, tzinfo=datetime.timezone.utc)
    request = sets.I_PurchaseOrder.get_entities().filter(PurchaseOrderDate__gte=since).count(inline=True).top(3)
    rows = request.execute()
    equal("a filter by date counts inline", (rows.total_count, len(rows)), (50, 3))
    either = FilterExpression(PurchaseOrder=ORDER) | FilterExpression(Supplier="17300001", PurchaseOrder="4500000525")
    equal("and, or and brackets", len(sets.I_PurchaseOrder.get_entities().filter(either).execute()), 2)

    order = sets.C_PurchaseOrderFs.get_entity(ORDER).expand("to_PurchaseOrderItem").execute()
    expanded = [item.Material for item in order.to_PurchaseOrderItem]
    navigated = [item.Material for item in order.nav("to_PurchaseOrderItem").get_entities().execute()]
    equal("expansion and navigation lead to the same items", expanded, navigated)
    equal("which are seven", len(expanded), 7)

    lines = sets.I_PurchaseOrderScheduleLine.get_entities().filter(PurchaseOrder=ORDER).execute()
    equal("all of it was received", total(line.RoughGoodsReceiptQty for line in lines), Decimal(2896))
    equal("nothing of it is open", total(line.OpenPurchaseOrderQuantity for line in lines), Decimal(0))
    measures = sets.I_PurchaseOrderScheduleLine.get_entities().filter("OpenPurchaseOrderQuantity gt 0")
    refused("a measure cannot be filtered", 400, measures)
    refused("an order that does not exist is not found", 404, sets.I_PurchaseOrder.get_entity("4500000013"))


def fetched_later(sets):
    rows = sets.C_PurchaseOrderFs.get_entities().filter(PurchaseOrder=ORDER).select("PurchaseOrder").execute()
    return rows[0].SupplierName


def pages(sets):
    request = sets.I_PurchaseOrder.get_entities().select("PurchaseOrder").count(inline=True)
    rows = request.execute()
    seen = [row.PurchaseOrder for row in rows]
    while rows.next_url:
        rows = sets.I_PurchaseOrder.get_entities().next_url(rows.next_url).execute()
        seen += [row.PurchaseOrder for row in rows]
    equal("next links lead through all orders, each once", (len(seen), len(set(seen))), (2100, 2100))


def process_service(sets):
    order = sets.A_PurchaseOrder.get_entity(ORDER).expand("to_PurchaseOrderItem/to_ScheduleLine").execute()
    items = order.to_PurchaseOrderItem
    net = sum(Decimal(i.OrderQuantity) * Decimal(i.NetPriceAmount) / Decimal(i.NetPriceQuantity) for i in items)
    equal("quantity times price by price unit gives the same total", net, TOTAL)
    equal("a date that is not set is null", order.ValidityStartDate, None)
    parts = [Decimal(line.ScheduleLineOrderQuantity) for line in items[0].to_ScheduleLine]
    equal("two levels down are the schedule lines", parts, [Decimal(262), Decimal(100)])
    item = sets.A_PurchaseOrderItem.get_entity(PurchaseOrder=ORDER, PurchaseOrderItem="00010").execute()
    header = item.nav("to_PurchaseOrder").execute()
    equal("a navigation to one leads back to the header", header.Supplier, "USSU-VSF08")


def stock(sets):
    rows = sets.A_MatlStkInAcctMod.get_entities().filter(Material="FS-HB-M5X20", InventoryStockType="01").execute()
    quantities = {(row.StorageLocation, row.InventorySpecialStockType): row.MatlWrhsStkQtyInMatlBaseUnit for row in rows}
    equal("stock is exact to fourteen places", quantities[("171A", "")], "118400.00000000000000")
    consignment = next(row for row in rows if row.InventorySpecialStockType == "K")
    key = EntityKey(consignment._entity_type, **consignment._cache)
    again = sets.A_MatlStkInAcctMod.get_entity(key).execute()
    equal("a key of eleven parts leads to one record", again.Supplier, "USSU-VSF10")
    low = sets.A_MatlStkInAcctMod.get_entities().filter(MatlWrhsStkQtyInMatlBaseUnit__lt=10).count().execute()
    equal("a decimal is compared", low, 165)


def documents(sets):
    request = sets.A_MaterialDocumentItem.get_entities()
    request = request.filter(PurchaseOrder=ORDER, PurchaseOrderItem="00010").expand("to_MaterialDocumentHeader")
    rows = request.order_by("MaterialDocument").execute()
    equal("the frames came in two parts", [row.QuantityInEntryUnit for row in rows], ["262.000", "100.000"])
    known = rows[1]
    day = datetime.datetime(2024, 3, 15, tzinfo=datetime.timezone.utc)
    equal("the second is the documented one", known.MaterialDocument, "5000012345")
    equal("its posting date is the header's", known.to_MaterialDocumentHeader.PostingDate, day)
    reversals = sets.A_MaterialDocumentItem.get_entities().filter(GoodsMovementType="102").execute()
    for reversal in reversals:
        original = sets.A_MaterialDocumentItem.get_entity(
            MaterialDocumentYear=reversal.ReversedMaterialDocumentYear,
            MaterialDocument=reversal.ReversedMaterialDocument,
            MaterialDocumentItem=reversal.ReversedMaterialDocumentItem,
        ).execute()
        check(f"what {reversal.MaterialDocument} reverses is cancelled", original.GoodsMovementIsCancelled)
    equal("there are two reversals", len(reversals), 2)


def main():
    clients, session = connect()
    fact_sheet(clients["C_PURCHASEORDER_FS_SRV"].entity_sets)
    pages(clients["C_PURCHASEORDER_FS_SRV"].entity_sets)
    process_service(clients["API_PURCHASEORDER_PROCESS_SRV"].entity_sets)
    stock(clients["API_MATERIAL_STOCK_SRV"].entity_sets)
    documents(clients["API_MATERIAL_DOCUMENT_SRV"].entity_sets)
    session.auth = (session.auth[0], "wrong")
    request = clients["C_PURCHASEORDER_FS_SRV"].entity_sets.I_PurchaseOrder.get_entity(ORDER)
    refused("a wrong password is refused", 401, request)


if __name__ == "__main__":
    run(main, __file__)
