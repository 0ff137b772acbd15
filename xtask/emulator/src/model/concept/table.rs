//! The concept lexicon as data.

use super::{Concept, Key, Noun};

const fn noun(
    english: &'static str,
    german: &'static str,
    hebrew: &'static str,
    feminine: bool,
) -> Noun {
    Noun {
        english,
        german,
        hebrew,
        feminine,
    }
}

/// Every concept the models know by name.
pub(crate) const CONCEPTS: &[Concept] = &[
    Concept {
        key: Key::Total,
        fields: "total net amount|total amount|total value|grand total|net amount total|order total|=total|net amount|net value|=amount|=value",
        asked: "total|total value|total amount|total net|total net value|total net amount|net total|grand total|total cost|total price|total sum|overall value|value|net value|net amount|amount|worth|sum|how much|how much .. cost|how much .. worth|cost|costs|price of the order|order value|spend|spent|\
            gesamt|gesamtwert*|gesamtbetrag*|gesamtsumme*|gesamtpreis*|summe|nettowert*|nettobetrag*|bestellwert*|auftragswert*|wert|betrag|wie hoch .. summe|was kostet*|was .. kostet*|was kosten|was .. kosten|kosten|wie viel kostet*|wieviel kostet*|wie viel|wie teuer|ist .. wert|volumen|bestellvolumen|\
            סכום|סכום כולל|הסכום הכולל|סהכ|סך|סך הכל|סך הכול|שווי|שווי כולל|ערך|ערך כולל|עלות|עלות כוללת|מחיר כולל|כמה עולה|כמה עלתה|כמה שווה",
        noun: noun(
            "The total net amount",
            "Der Gesamtwert",
            "הסכום הכולל",
            false,
        ),
    },
    Concept {
        key: Key::Currency,
        fields: "currency|document currency|currency code",
        asked: "currency|euros or dollars|dollars or euros|euro or dollar|euro oder dollar*|which currency|what currency|währung*|welche* währung|bestellwährung|מטבע",
        noun: noun("The currency", "Die Währung", "המטבע", false),
    },
    Concept {
        key: Key::Supplier,
        fields: "=supplier|supplier id|supplier number|=vendor|vendor id|vendor number|supplier|vendor",
        asked: "supplier|vendor|supplier id|supplier number|supplier code|vendor number|who supplies|who delivers|who supplied|who delivered|from whom|supplied by|seller|\
            lieferant*|lieferantennummer|kreditor*|verkäufer|wer liefert*|wer .. geliefert|bei wem|von wem|ספק|מספר הספק|קוד הספק|מי מספק|ממי",
        noun: noun("The supplier", "Der Lieferant", "הספק", false),
    },
    Concept {
        key: Key::SupplierName,
        fields: "supplier name|vendor name|name supplier",
        asked: "supplier name|vendor name|name of the supplier|name of supplier|name of the vendor|supplier called|supplier .. called|vendor called|name .. supplier|\
            lieferantenname*|name des lieferanten|name .. lieferant*|heisst .. lieferant*|lieferant* heisst|firma heisst|שם הספק|שמו של הספק|קוראים לספק|נקרא הספק|שם .. ספק",
        noun: noun(
            "The supplier's name",
            "Der Name des Lieferanten",
            "שם הספק",
            false,
        ),
    },
    Concept {
        key: Key::OrderDate,
        fields: "order date|purchase order date|document date|=date",
        asked: "order date|purchase order date|date of the order|date of order|dated|date|what date|which date|when|when .. ordered|when .. placed|when .. issued|when .. order placed|day .. ordered|\
            bestelldatum*|belegdatum*|datum|datum der bestellung|wann|wann .. bestellt|wann .. aufgegeben|wann .. getätigt|wann .. ausgelöst|von wann|an welchem tag|\
            תאריך|תאריך ההזמנה|תאריך הזמנה|מתי|מתי הוזמן*|מתי הוזמנה|מתי בוצעה|מתי .. בוצעה|מתי .. הוזמנה|מתי ניתנה|מתי הוגשה",
        noun: noun("The order date", "Das Bestelldatum", "תאריך ההזמנה", false),
    },
    Concept {
        key: Key::CreationDate,
        fields: "creation date|created on|created at|=created|created",
        asked: "created|creation date|date of creation|when .. created|created on|entered|when .. entered|recorded|when .. entered in the system|\
            erstellungsdatum|anlagedatum|anlegedatum|erfassungsdatum|wann .. angelegt|wann .. erstellt|wann .. erfasst|angelegt|erfasst|erstellt|\
            תאריך היצירה|תאריך יצירה|מתי נוצר*|מתי .. נוצר*|נוצר*|נוצרה|מתי נפתחה|מתי .. נפתחה|מתי הוקלד*",
        noun: noun(
            "The creation date",
            "Das Erstellungsdatum",
            "תאריך היצירה",
            false,
        ),
    },
    Concept {
        key: Key::DeliveryDate,
        fields: "delivery date|expected delivery|scheduled delivery",
        asked: "delivery date|date of delivery|when .. delivered|when .. arrive|when .. be delivered|expected delivery|due date|arrival|\
            lieferdatum|liefertermin*|wann .. geliefert|wann kommt|wann .. ankommen|תאריך אספקה|תאריך האספקה|מועד האספקה|מתי .. תגיע|מתי תגיע|מתי .. תסופק|מתי .. סופק*",
        noun: noun(
            "The delivery date",
            "Der Liefertermin",
            "תאריך האספקה",
            false,
        ),
    },
    Concept {
        key: Key::PaymentTerms,
        fields: "payment terms|payment term|terms payment",
        asked: "payment terms|payment term|terms of payment|payment conditions|zahlungsbedingung*|zahlungsziel*|zahlungskondition*|תנאי תשלום|תנאי התשלום",
        noun: noun(
            "The payment terms code",
            "Die Zahlungsbedingung",
            "תנאי התשלום",
            false,
        ),
    },
    Concept {
        key: Key::CompanyCode,
        fields: "company code|=company",
        asked: "company code|company|which company|buchungskreis*|קוד חברה|קוד החברה|חברה",
        noun: noun("The company code", "Der Buchungskreis", "קוד החברה", false),
    },
    Concept {
        key: Key::PurchasingOrganization,
        fields: "purchasing organization|purchasing organisation|purchasing org|purchase organization",
        asked: "purchasing organization|purchasing organisation|purchasing org|purchase organization|purchase org|einkaufsorganisation*|ארגון הרכש|ארגון רכש",
        noun: noun(
            "The purchasing organization",
            "Die Einkaufsorganisation",
            "ארגון הרכש",
            false,
        ),
    },
    Concept {
        key: Key::PurchasingGroup,
        fields: "purchasing group|purchase group|buyer group",
        asked: "purchasing group|purchase group|buyer group|buyer|einkäufergruppe*|einkaufsgruppe*|קבוצת הרכש|קבוצת רכש",
        noun: noun(
            "The purchasing group",
            "Die Einkäufergruppe",
            "קבוצת הרכש",
            true,
        ),
    },
    Concept {
        key: Key::OrderType,
        fields: "order type|document type|purchase order type|=type",
        asked: "order type|document type|type of order|type of purchase order|type of document|kind of order|what type|bestellart|belegart|auftragsart|סוג ההזמנה|סוג הזמנה|סוג המסמך",
        noun: noun("The order type", "Die Bestellart", "סוג ההזמנה", false),
    },
    Concept {
        key: Key::Plant,
        fields: "=plant|plant code|=site|plant",
        asked: "plant|which plant|site|werk|welches werk|מפעל|אתר",
        noun: noun("The plant", "Das Werk", "המפעל", false),
    },
    Concept {
        key: Key::ItemCount,
        fields: "item count|items count|number items|line count|total items|count items",
        asked: "how many items|how many line|how many lines|how many line items|how many positions|how many products|how many articles|how many materials|how many different|how many .. items|number of items|number of lines|number of line items|number of positions|item count|count of items|\
            wie viele positionen|wieviele positionen|wie viele artikel|wie viele zeilen|wie viele posten|wie viele produkte|wie viele materialien|wie viele .. positionen|anzahl .. positionen|anzahl positionen|anzahl .. artikel|positionsanzahl|\
            כמה פריטים|כמה שורות|כמה מוצרים|כמה סעיפים|כמה חומרים|מספר הפריטים|מספר פריטים|מספר השורות",
        noun: noun(
            "The number of items",
            "Die Anzahl der Positionen",
            "מספר הפריטים",
            false,
        ),
    },
    Concept {
        key: Key::TotalQuantity,
        fields: "total quantity|quantity total|sum quantity",
        asked: "total quantity|overall quantity|quantity in total|total number of units|how many units|how many pieces|how many units .. total|how many pieces .. total|how many .. altogether|total units|\
            gesamtmenge|gesamte menge|gesamtstückzahl|wie viele stück|wie viele einheiten|wie viel stück|wie viele teile|menge insgesamt|\
            כמות כוללת|הכמות הכוללת|סך הכמות|סהכ כמות|כמה יחידות|כמה יחידות .. סהכ|סך היחידות",
        noun: noun(
            "The total quantity",
            "Die Gesamtmenge",
            "הכמות הכוללת",
            true,
        ),
    },
    Concept {
        key: Key::Items,
        fields: "items|lines|positions",
        asked: "items|item|line items|list the items|all items|which items|what items|which item|what item|line|which line|which lines|which position|materials|products|articles|what was ordered|what did we order|what have we ordered|what did we buy|what .. ordered|what does .. contain|what is in|what in|what is on|what is inside|contents|lines|\
            positionen|position|welche positionen|welche position|alle positionen|welche artikel|welcher artikel|artikel|welche materialien|was wurde bestellt|was haben wir .. bestellt|was .. bestellt|was enthält|inhalt|posten|\
            פריטים|פריט|שורה|איזו שורה|אילו שורות|הפריטים|אילו פריטים|איזה פריט|כל הפריטים|מה הוזמן|מה הזמנו|מה כוללת|מה כלול|מה יש|רשימת הפריטים|שורות|מוצרים",
        noun: noun("The items", "Die Positionen", "הפריטים", false),
    },
    Concept {
        key: Key::UnitPrice,
        fields: "unit price|net price|price per unit|=price",
        asked: "unit price|price per unit|price per piece|price each|per unit|per piece|net price|price|unit prices|prices|how much .. per unit|how much .. one|how much .. each|cost per unit|how much does .. single|pay per|paid per|price per|cost per|charged per|what did we pay|what .. pay for one|\
            stückpreis*|einzelpreis*|preis pro stück|preis je stück|pro stück|nettopreis*|preis|preise|wie viel kostet ein|wie viel kostet eine|was kostet ein|was kostet eine|was kostet .. einzelne*|\
            מחיר|מחירה|מחירו|מחירם|מחיר ליחידה|המחיר ליחידה|מחיר יחידה|מחיר היחידה|מחירים|כמה עולה יחידה|מחיר .. ליחידה|כמה עולה כל",
        noun: noun("The unit price", "Der Stückpreis", "המחיר ליחידה", false),
    },
    Concept {
        key: Key::Quantity,
        fields: "=quantity|order quantity|ordered quantity|quantity|=qty",
        asked: "quantity|quantities|how many|number of|ordered quantity|menge|mengen|stückzahl|wie viele|wieviele|anzahl|bestellmenge|כמות|כמה|כמויות|מה הכמות",
        noun: noun("The quantity", "Die Menge", "הכמות", true),
    },
    Concept {
        key: Key::Unit,
        fields: "=unit|unit of measure|base unit|=uom|quantity unit",
        asked: "unit of measure|which unit|what unit|measured in|mengeneinheit|welche einheit|einheit|יחידת מידה|יחידת המידה",
        noun: noun(
            "The unit of measure",
            "Die Mengeneinheit",
            "יחידת המידה",
            true,
        ),
    },
    Concept {
        key: Key::Delivered,
        fields: "=delivered|completely delivered|fully delivered|is delivered|delivered",
        asked: "delivered|been delivered|fully delivered|completely delivered|undelivered|not delivered|delivery status|received|arrived|delivery complete|outstanding|waiting for delivery|awaiting delivery|to be delivered|open for delivery|\
            geliefert|vollständig geliefert|ausgeliefert|angeliefert|lieferstatus|angekommen|eingegangen|erhalten|nicht geliefert|auf lieferung|ausstehend*|\
            סופק*|סופקה|נמסר*|הגיע*|התקבל*|סטטוס אספקה|אספקה",
        noun: noun(
            "The delivery status",
            "Der Lieferstatus",
            "סטטוס האספקה",
            false,
        ),
    },
    Concept {
        key: Key::Invoiced,
        fields: "=invoiced|finally invoiced|fully invoiced|is invoiced|invoiced",
        asked: "invoiced|billed|been invoiced|fully invoiced|final invoice|invoice status|not invoiced|invoice|\
            fakturiert|berechnet|abgerechnet|in rechnung gestellt|rechnungsstatus|rechnung|verrechnet|חשבונית|חויב*|הונפקה חשבונית|חשבוניות|סטטוס חיוב",
        noun: noun(
            "The invoicing status",
            "Der Rechnungsstatus",
            "סטטוס החיוב",
            false,
        ),
    },
    Concept {
        key: Key::MaterialNumber,
        fields: "=material|material number|material id|product id|part number|material",
        asked: "material number|material code|part number|product number|article number|material|which material|materialnummer*|artikelnummer|teilenummer|welches material|מספר חומר|מספר החומר|מקט|קוד חומר|חומר",
        noun: noun(
            "The material number",
            "Die Materialnummer",
            "מספר החומר",
            false,
        ),
    },
    Concept {
        key: Key::Description,
        fields: "=description|material description|item description|short text|item text|=text|=name",
        asked: "description|described|descriptions|bezeichnung*|beschreibung*|kurztext|תיאור|תאור",
        noun: noun("The description", "Die Bezeichnung", "התיאור", false),
    },
    Concept {
        key: Key::Deleted,
        fields: "=deleted|is deleted|deletion|deleted",
        asked: "deleted|cancelled|canceled|removed|gelöscht*|storniert*|נמחק*|בוטל*|מחוק*",
        noun: noun(
            "The deletion status",
            "Der Löschstatus",
            "סטטוס המחיקה",
            false,
        ),
    },
    Concept {
        key: Key::Returns,
        fields: "=returns|is return|returns item|return",
        asked: "returns|return item|returned|return items|retoure*|rücksendung*|rückgabe*|retourposition*|החזרה|החזרות|מוחזר*|הוחזר*",
        noun: noun(
            "The returns flag",
            "Das Retourenkennzeichen",
            "סימון ההחזרה",
            false,
        ),
    },
    Concept {
        key: Key::Exists,
        fields: "",
        asked: "exist|exists|does .. exist|is there an order|is there a purchase order|is there an order .. number|do we have .. order|do we have .. number|is there any order|\
            existiert|gibt es die bestellung|gibt es eine bestellung|gibt es bestellung|haben wir die bestellung|haben wir eine bestellung .. nummer|קיימת|קיים|האם יש הזמנה|האם יש לנו הזמנה|האם יש לנו הזמנת|האם קיימת|האם ישנה",
        noun: noun("The order", "Die Bestellung", "ההזמנה", true),
    },
    Concept {
        key: Key::OrderCount,
        fields: "total count|total orders|order count|=count|matches|total hits|number found|=returned",
        asked: "how many orders|how many purchase orders|how many pos|how many .. orders|number of orders|number of purchase orders|count of orders|count the orders|\
            wie viele bestellungen|wieviele bestellungen|wie viele aufträge|wie viele .. bestellungen|anzahl der bestellungen|anzahl bestellungen|כמה הזמנות|כמה הזמנות רכש|מספר ההזמנות|מספר הזמנות",
        noun: noun(
            "The number of orders",
            "Die Anzahl der Bestellungen",
            "מספר ההזמנות",
            false,
        ),
    },
    Concept {
        key: Key::Orders,
        fields: "orders|purchase orders|results",
        asked: "orders|purchase orders|pos|which orders|which purchase orders|which purchase order|what purchase order|what orders|list .. orders|show .. orders|find .. orders|all orders|find orders|search .. orders|which order|\
            bestellungen|welche bestellungen|alle bestellungen|aufträge|welche bestellung|הזמנות|אילו הזמנות|כל ההזמנות|הזמנות רכש|איזו הזמנה|באילו הזמנות",
        noun: noun("The orders", "Die Bestellungen", "ההזמנות", true),
    },
    Concept {
        key: Key::Highest,
        fields: "",
        asked: "most expensive|the highest|highest|largest|biggest|higher|larger|bigger|maximum|the most|costs the most|priciest|greatest|top|more expensive|worth more|costs more|\
            teuerste*|teuersten|am teuersten|höchste*|höchsten|am höchsten|grösste*|am grössten|höher|teurer|grösser|die meisten|am meisten|kostet am meisten|\
            היקר ביותר|יקר ביותר|יקרה ביותר|הכי יקר*|הגבוה ביותר|גבוה ביותר|גבוהה ביותר|הכי גבוה*|הגדול* ביותר|הכי גדול*|יקר יותר|יקרה יותר|גבוה יותר|גדול* יותר|הכי הרבה",
        noun: noun("The highest", "Der höchste Wert", "הגבוה ביותר", false),
    },
    Concept {
        key: Key::Lowest,
        fields: "",
        asked: "cheapest|lowest|smallest|least expensive|minimum|the least|cheaper|lower|smaller|fewest|\
            günstigste*|am günstigsten|billigste*|am billigsten|niedrigste*|am niedrigsten|kleinste*|am kleinsten|geringste*|günstiger|niedriger|billiger|die wenigsten|\
            הזול ביותר|זול ביותר|זולה ביותר|הכי זול*|הנמוך ביותר|נמוך ביותר|הכי נמוך*|הקטן* ביותר|הכי קטן*|זול* יותר|נמוך יותר|הכי מעט",
        noun: noun("The lowest", "Der niedrigste Wert", "הנמוך ביותר", false),
    },
    Concept {
        key: Key::Latest,
        fields: "",
        asked: "latest|latest order|newest|newest order|most recent|most recent order|last order|last purchase order|latest purchase order|most recent purchase order|newest purchase order|latest .. orders|\
            neueste*|neueste* bestellung|neuesten|letzte bestellung|letzten bestellung|letzte|jüngste*|jüngste* bestellung|zuletzt|aktuellste*|aktuellste bestellung|\
            האחרונה|ההזמנה האחרונה|אחרונה|החדשה ביותר|ההזמנה החדשה ביותר|האחרונות|ההזמנות האחרונות|הכי חדשה",
        noun: noun("The latest", "Die neueste", "האחרונה", true),
    },
    Concept {
        key: Key::Oldest,
        fields: "",
        asked: "oldest|oldest order|earliest|earliest order|first order|first purchase order|oldest purchase order|\
            älteste*|älteste* bestellung|früheste*|früheste* bestellung|erste bestellung|ersten bestellung|הישנה ביותר|ההזמנה הישנה ביותר|ההזמנה הראשונה|המוקדמת ביותר|הכי ישנה",
        noun: noun("The oldest", "Die älteste", "הישנה ביותר", true),
    },
    Concept {
        key: Key::Difference,
        fields: "",
        asked: "difference|differ|how much more|how much higher|unterschied|differenz|wie viel mehr|wie viel höher|wie viel teurer|הפרש|ההפרש|בכמה",
        noun: noun("The difference", "Die Differenz", "ההפרש", false),
    },
    Concept {
        key: Key::Overview,
        fields: "",
        asked: "details|detail|overview|summary|summarise|summarize|tell me about|everything|all about|information|info|describe|show me order|show me purchase order|show po|show order|\
            einzelheiten|übersicht|zusammenfassung|fasse|zeig* .. bestellung|infos|informationen|alles über|erzähl*|פרטים|פרטי|סיכום|סכם|ספר לי|מידע|הכל על|הצג .. הזמנה|תאר",
        noun: noun("An overview", "Ein Überblick", "סיכום", false),
    },
    Concept {
        key: Key::Status,
        fields: "order status|processing status",
        asked: "status|state|stand|סטטוס|מצב",
        noun: noun("The status", "Der Status", "הסטטוס", false),
    },
    Concept {
        key: Key::Incoterms,
        fields: "incoterms|incoterm|delivery terms",
        asked: "incoterms|incoterm|delivery terms|terms of delivery|lieferbedingung*|אינקוטרמס|תנאי אספקה|תנאי האספקה|תנאי המשלוח",
        noun: noun(
            "The delivery terms (Incoterms)",
            "Die Lieferbedingung (Incoterms)",
            "תנאי האספקה (אינקוטרמס)",
            false,
        ),
    },
    Concept {
        key: Key::CreatedBy,
        fields: "created by|creator|entered by|requisitioner|requester",
        asked: "who created|created by|who entered|who placed|who ordered|requester|requested by|wer hat .. bestellt|wer hat .. angelegt|wer hat .. erstellt|wer hat .. aufgegeben|ersteller|besteller|anforderer|מי יצר*|מי הזמין|מי פתח|מי ביצע",
        noun: noun(
            "The person who created it",
            "Der Ersteller",
            "יוצר ההזמנה",
            false,
        ),
    },
    Concept {
        key: Key::Approver,
        fields: "approver|approved by|released by|release status",
        asked: "who approved|approver|approved by|approved|approval|released|who released|wer hat .. genehmigt|wer hat .. freigegeben|genehmigt|genehmiger|freigegeben|freigabe|מי אישר*|אושר*|המאשר",
        noun: noun("The approver", "Der Genehmiger", "המאשר", false),
    },
    Concept {
        key: Key::Tax,
        fields: "tax amount|tax|vat",
        asked: "tax|taxes|vat|sales tax|gross amount|gross value|mehrwertsteuer*|umsatzsteuer*|steuer|steuern|steuerbetrag|bruttobetrag|bruttowert|מעמ|מיסים|ברוטו",
        noun: noun("The tax", "Die Steuer", "המס", false),
    },
    Concept {
        key: Key::Discount,
        fields: "discount|rebate",
        asked: "discount|discounts|rebate|rabatt*|skonto|nachlass|הנחה|ההנחה",
        noun: noun("The discount", "Der Rabatt", "ההנחה", true),
    },
    Concept {
        key: Key::Contact,
        fields: "contact|phone|email|telephone",
        asked: "phone number|phone|telephone|email|email address|e mail|contact person|contact|ansprechpartner*|telefonnummer|telefon|email adresse|kontakt|טלפון|מספר טלפון|דואל|מייל|איש קשר",
        noun: noun("The contact", "Der Ansprechpartner", "איש הקשר", false),
    },
    Concept {
        key: Key::Address,
        fields: "address|street|city",
        asked: "address|delivery address|shipping address|adresse|anschrift|lieferadresse|lieferanschrift|כתובת|כתובת למשלוח",
        noun: noun("The address", "Die Adresse", "הכתובת", true),
    },
    Concept {
        key: Key::Free,
        fields: "",
        asked: "free of charge|free|no charge|without charge|costs nothing|kostenlos*|gratis|kostenfrei*|unentgeltlich*|ohne berechnung|חינם|ללא עלות|ללא תשלום|ללא חיוב|בחינם",
        noun: noun(
            "The free items",
            "Die kostenlosen Positionen",
            "הפריטים ללא עלות",
            false,
        ),
    },
    Concept {
        key: Key::TrackingNumber,
        fields: "tracking number|tracking",
        asked: "tracking number|tracking|sendungsnummer|sendungsverfolgung|מספר מעקב",
        noun: noun(
            "The tracking number",
            "Die Sendungsnummer",
            "מספר המעקב",
            false,
        ),
    },
];
