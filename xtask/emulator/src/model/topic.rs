//! What purchasing and warehousing talk about, as far as it tells one tool from another: the words for each topic in
//! three languages.
//!
//! The same words read a question and a tool's description, so a tool is chosen by what its texts say and not by its name.
//! A concept (see `concept`) is a value to be looked up; a topic is a field of work, such as stock or paperwork.

use super::text::{self, Word};

/// A field of work, or a way of looking at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// What lies in the warehouse.
    Stock,
    /// Blocked, in inspection, free to use.
    StockType,
    /// Where it lies.
    Storage,
    /// Too little is left.
    Low,
    /// Goods on their way.
    Transit,
    /// Ordered and not there yet.
    Expected,
    /// Not finished.
    Open,
    /// Posting of what arrived.
    Receipt,
    /// A posting taken back.
    Reversal,
    /// The supplier's bill.
    Invoice,
    /// Goods handed over.
    Delivery,
    /// Something that should be there is not.
    Missing,
    /// The newest first.
    Newest,
    /// Saved and not sent.
    OnHold,
    /// Marked for deletion.
    Deleted,
    /// Looking for something by a part of it.
    Search,
    /// One thing beside another.
    Together,
    /// Orders as such.
    Orders,
    /// Order by order.
    ByOrder,
    /// Material by material.
    Material,
    /// Lines of orders.
    Items,
    /// Money.
    Value,
    /// A day.
    Date,
}

impl Topic {
    /// Whether it is a subject of its own rather than a way of looking at one.
    pub(crate) fn is_subject(self) -> bool {
        matches!(
            self,
            Self::Stock
                | Self::StockType
                | Self::Transit
                | Self::Receipt
                | Self::Invoice
                | Self::Delivery
                | Self::Orders
                | Self::Material
        )
    }
}

impl Topic {
    /// How much it counts: what nearly every question and every tool speaks of says little.
    pub(crate) fn weight(self) -> f64 {
        match self {
            Self::Orders | Self::Material | Self::Items | Self::Date | Self::Value => 0.5,
            _ => 1.0,
        }
    }
}

/// What a word says without leaving a doubt, and what it may say.
struct Row(Topic, &'static str);

/// Every topic with its words: English, German, Hebrew.
const TOPICS: &[Row] = &[
    Row(
        Topic::Stock,
        "stock|in stock|stockpile|inventory|on hand|at hand|to hand|do we still have|still have any|still got|have got|got any|have any|have .. left|are left|is left|any left|lying around|sitting in|sitting around|are we out|spare|in the store|in the stores|storeroom|stockroom|available|availability|left on the shelf|pieces left|units left|do we have left|how many .. left|on the shelf|lies in the warehouse|in the warehouse|stocked|\
         bestand|bestände*|bestands*|lagerbestand*|lagerbestände*|vorrat*|vorräte*|auf lager|im lager|vorrätig*|verfügbar*|dahaben|da haben|noch da|noch .. da|übrig|rumliegen|herumliegen|rumliegt|liegen .. noch|liegt .. noch|greifbar|am lager|im regal|lagerhaltung|materialbestand*|inventar*|lagernd*|\
         מלאי|במלאי|המלאי|מלאים|זמין|זמינים|זמינות|על המדף|נשאר במחסן|יש במחסן|נשאר|נשארו|נשארה|נותרו לנו|יש לנו עוד|יש עוד|עוד יש לנו|במחסן|במחסנים|בהישג יד|קיים במלאי|רזרבה",
    ),
    Row(
        Topic::StockType,
        "blocked|quality inspection|in inspection|quality check|qc|usable|free to use|inspection stock|unrestricted|restricted|quarantine|\
         gesperrt*|sperrbestand*|qualitätsprüf*|prüfbestand*|frei verwendbar*|verwendbar*|freie*|qs bestand|in prüfung|\
         חסום|חסומה|חסומים|בבדיקת איכות|בדיקת איכות|ביקורת איכות|בקרת איכות|תפוס|פנוי|פנויים|זמין לשימוש|לשימוש חופשי",
    ),
    Row(
        Topic::Storage,
        "storage location|storage locations|warehouse|warehouses|storeroom|bin|shelf|plant|plants|where .. lie|stored|\
         lagerort*|lagerplatz*|lagerplätze|lager|halle|regal|werk|werke|werken|liegt|liegen|\
         מחסן|מחסנים|מיקום אחסון|אתר אחסון|מפעל|מפעלים|מדף|מאוחסן*|שוכב*|שוכן",
    ),
    Row(
        Topic::Low,
        "low|lowest stock|dwindling|critical|running low|run low|runs low|running short|running out|run out|nearly out|almost out|out of stock|short of|shortage|shortages|scarce|below|less than|fewer than|under|threshold|minimum stock|reorder|almost gone|almost nothing|\
         knapp*|niedrig*|gering*|unter|weniger als|zur neige|ausgeh*|geht .. aus|gehen .. aus|ausgegangen|leer|leeren|aufgebraucht*|kritisch*|engpass*|engpässe|mindestbestand*|fast nichts|kaum noch|fast alle|fast aus|nachbestell*|\
         נמוך*|נמוכ*|מתחת|פחות מ*|להיגמר|נגמר*|אוזל*|אזל*|לאזול|מתרוקנ*|התרוקנ*|מעט מדי|בקושי|מחסור|חסרים במלאי|כמעט ואין|כמעט אין|מינימום|קריטי*",
    ),
    Row(
        Topic::Transit,
        "transit|in transit|due in|is due|are due|due from|due for arrival|trucks due|truck|trucks|container|shipment|shipments|consignment|consignments|on the water|rolling in|come in|comes in|getting more|get more|more of it|on the way|on its way|on their way|underway|under way|en route|coming|coming in|coming up|still coming|incoming|inbound|arrive|arrives|arriving|arrival|arrivals|shipped|on the road|heading to us|get here|got here|\
         unterwegs|transit|auf dem weg|lieferungen stehen an|stehen .. an|steht .. an|noch rein|noch .. rein|reinkomm*|hereinkomm*|reinbekomm*|kriegen .. noch|bekommen wir noch|lkw|sendung|sendungen|container|zulauf|im zulauf|kommt|kommen|eintreffen|eintrifft|trifft .. ein|treffen .. ein|ankommen|ankommt|anrollt|rollt an|anlieferung*|ankunft|im anmarsch|\
         בדרך|במעבר|משלוח|משלוחים|משאית|משאיות|מכולה|מכולות|יכנס|ייכנס|להיכנס|נקבל עוד|נקבל|מגיע|מגיעה|מגיעים|להגיע|יגיע|יגיעו|תגיע|יגיעה|בטרנזיט|הגעה",
    ),
    Row(
        Topic::Expected,
        "on order|expected|been ordered|have .. ordered|has .. ordered|have .. reordered|more ordered|re ordered|still to come|to come|replenish*|replenished|replenishment|reordered|already ordered|supply|still deliver|have still to deliver|we ordered|that we ordered|cover|\
         bestellt|geordert|schon geordert|nachgeordert|nachschub|nachbestellt|erwart*|im zugang|noch zu liefern|stehen .. aus|steht .. aus|noch aus|decken|\
         שהזמנו|הזמנו|הוזמן|הוזמנו|הוזמנה|הוזמנו מחדש|בהזמנה פתוחה|אמורה .. להגיע|צפוי|צפויה|צפויים|אמור .. להגיע|אמורים .. להגיע|חידוש מלאי|בהזמנה",
    ),
    Row(
        Topic::Open,
        "open|outstanding|unfinished|unfulfilled|not closed|not been closed|still running|yet to be fulfilled|partially delivered|partly delivered|incomplete|not fully received|fully received|not fully delivered|not yet fully delivered|not completed|still to be delivered|has still to be delivered|not complete|backlog|remaining|unfulfilled|pending|obligo|\
         offen*|noch nicht vollständig|noch nicht alles|vollständig bekommen|noch nicht komplett|nicht komplett|nicht erledigt*|noch laufen*|laufende*|nicht geschlossen*|teilgeliefert*|teilweise geliefert*|ausstehend*|unerledigt*|nicht vollständig|noch nicht ganz|nicht abgeschlossen*|rückstand*|rückstände*|restmenge*|obligo*|fehlt noch ware|noch ware|\
         פתוח|לא נסגר*|שלא נסגר*|עוד לא נסגר*|לא סגור*|טרם נסגר*|חלקית|בטיפול|פתוחה|פתוחות|פתוחים|הפתוח|הפתוחות|שלא הושלמו|לא הושלמ*|טרם הושלמ*|לא התקבלו במלואן|התקבלו במלואן|במלואן|נותר|נותרה|שנותר*|יתרה|יתרת|יתרות",
    ),
    Row(
        Topic::Receipt,
        "goods receipt|goods receipts|gr|grs|receipt|receipts|took delivery|checked in|scanned in|who booked|booked what|went into the warehouse|entered the warehouse|receipts posted|booked in|booked into|book in|booking|bookings|posted|posting|postings|material document|material documents|goods movement|goods movements|movement|received on|net received|delivery note|delivery notes|goods were received|\
         wareneingang*|wareneingänge*|we beleg*|unter welchem beleg|welcher beleg|belegnummer*|zugebucht|angenommen*|warenannahme|materialbeleg*|eingebucht*|zugebucht*|eingelagert*|gebucht*|buchung*|warenbewegung*|zugang gebucht|eingegangen|lieferschein*|vereinnahmt*|\
         קבלת טובין|קבלות טובין|קבלות הטובין|קבלת הטובין|קבלת סחורה|קבלת הסחורה|קבלות סחורה|תעודת קבלה|תעודות קבלה|תעודות הקבלה|תעודת הקבלה|קבלות|נכנס|נכנסה|נכנסו|כניסה למחסן|נכנסה למחסן|נכנס למחסן|נכנסו למחסן|נקלט|נקלטה|נקלטו|קליטה|קליטת|קליטות|מסמך חומר|מסמכי חומר|תנועת מלאי|תנועות מלאי|נרשמו|נרשמה",
    ),
    Row(
        Topic::Reversal,
        "reversed|undo|corrected|correction|corrections|reversal|reversals|reverse|undone|taken back|cancelled|canceled|\
         storno*|storniert*|rückgebucht*|zurückgebucht*|rückgängig|\
         בוטל|בוטלה|בוטלו|ביטול|ביטולי|סטורנו|היפוך",
    ),
    Row(
        Topic::Invoice,
        "invoice|invoices|invoiced|invoicing|charged|bill|bills|billed|uninvoiced|unbilled|billing|\
         rechnung*|fakturiert*|faktura*|fakturen|berechnet|abgerechnet|in rechnung|unberechnet*|verrechnet|eingangsrechnung*|\
         חשבונית|חשבוניות|החשבונית|חויב|חויבו|חויבה|חיוב|חיובים|חייב אותנו|חייבו אותנו|לחייב",
    ),
    Row(
        Topic::Delivery,
        "delivery|deliveries|delivered|undelivered|deliver|\
         lieferung*|geliefert*|lieferdatum|liefertermin*|anlieferung*|beliefert|\
         אספקה|סופק|סופקה|סופקו|נמסר|נמסרו|האספקה",
    ),
    Row(
        Topic::Missing,
        "missing|awaiting|await|awaits|waiting|waits|wait for|lacking|lack|lacks|still need|still owe|owe us|not yet|neither|yet to|without|overdue|not invoiced|not delivered|uninvoiced|undelivered|unbilled|\
         fehlt|fehlen|schuldet|schulden|fehlend*|wartet|warten|ausstehend*|noch kein*|noch nicht|weder|ohne|steht .. aus|stehen .. aus|vermiss*|\
         ממתין|ממתינה|ממתינות|ממתינים|מחכה|מחכות|מחכים|חסר|חסרה|חסרות|חסרים|טרם|עוד לא|עדיין לא|ללא|בלי|חייבים לנו|לא קיבלנו",
    ),
    Row(
        Topic::Newest,
        "newest|latest|most recent|youngest|past days|last few days|past week|last week|this month|this week|recent|recently|last|new orders|ordered since|placed since|placed|ordered this|ordered since|since|lately|\
         neueste*|neuste*|letzten tage|letzten tagen|diese woche|dieser woche|diesen monat|diesem monat|letzte|letzten|letzter|jüngste*|zuletzt|kürzlich|aktuellste*|seit|aufgegeben*|ab dem|\
         אחרון|השבוע האחרון|הימים האחרונים|החודש האחרון|אחרונה|אחרונות|האחרונות|האחרונה|חדשות|חדשה|החדשות|לאחרונה|מאז|החל מ*|הוצאו|שהוצאו|הוצאנו",
    ),
    Row(
        Topic::OnHold,
        "on hold|put on hold|suspended|not released|held|parked|saved incomplete|hold|zurückgestellt*|angehalten*|gehalten*|geparkt*|pausiert*|\
         מושהה|מושהית|מושהות|בהמתנה|מוקפא*|בהקפאה|בהשהיה|מעוכב*",
    ),
    Row(
        Topic::Deleted,
        "deleted|marked for deletion|deletion|removed|gelöscht*|löschvorgemerkt*|löschkennzeichen|\
         נמחק|נמחקה|נמחקו|שנמחקו|מחוקות|מחיקה|מחוק",
    ),
    Row(
        Topic::Search,
        "search|searches|search for|somewhere on|any orders with|orders with|orders for|find|look for|look up|looking for|contain|contains|part of|begins with|ends with|ending in|last digits|company called|mention|mentions|\
         such|bestellungen mit|suche|suchen|sucht|finde|finden|heraus*|raussuchen|such .. raus|enthalten|enthält|vorkomm*|kommt .. vor|passen|beginnt mit|endet auf|steht .. drauf|\
         חפש|הזמנות של|הזמנות עם|חפשי|לחפש|מצא|מצאי|למצוא|תמצא|תמצאי|תחפש|תחפשי|מופיע|מופיעה|מכיל*|מתאימות|חלק ממספר|מסתיימ*|מתחיל*",
    ),
    Row(
        Topic::Together,
        "side by side|next to|both|and also|as well as|compare|compared|comparison|versus|against|match|combine|combines|already being|already ordered|and is|cover|over ordering|overstock|together with|at the same time|\
         neben|gegenüber*|nebeneinander|abgleich*|abgleichen|vergleich*|sowohl|gleichzeitig|zugleich|und gleichzeitig|und zusätzlich|im vergleich|\
         מול|לעומת|גם .. וגם|וגם|תשווה|תשווי|להשוות|השוואה|במקביל|זה לצד זה|וכבר",
    ),
    Row(
        Topic::Orders,
        "purchase order|purchase orders|orders|order|ordered|ordering|po|pos|bestellung|bestellungen|bestellte*|bestellt|geordert|aufträge|הוזמן|הוזמנו|הזמנו|הזמנה|הזמנות|ההזמנות|הזמנת רכש|הזמנות רכש|הזמנת",
    ),
    Row(
        Topic::ByOrder,
        "order by order|by order|per order|per po|grouped by order|each order|every purchase order|je bestellung|pro bestellung|nach bestellung*|bestellung für bestellung|לפי הזמנה|לכל הזמנה|בכל הזמנה|של כל הזמנה",
    ),
    Row(
        Topic::Material,
        "material|materials|by material|part number|article|articles|sku|parts|product|products|\
         material|materialien|materials|je material|artikel|artikeln|teil|teile|teilen|\
         חומר|חומרים|החומר|החומרים|מקט|מקטים|לכל חומר|חלקים|מוצרים",
    ),
    Row(
        Topic::Items,
        "item|items|line|lines|line by line|contents|positionen|position|einzelpositionen|bestellposition*|zeilen|zeile|was liegt drauf|שורה|שורות|פריט|פריטים|הפריטים|השורות|תכולה",
    ),
    Row(
        Topic::Value,
        "value|worth|money|amount|accrual|accruals|commitment|commitments|tied up|liability|\
         wert|werte|bestellwert*|volumen|geld|betrag|gebunden*|verbindlichkeit*|\
         שווי|ערך|כסף|סכום|הפרשה|התחייבות|התחייבויות",
    ),
    Row(
        Topic::Date,
        "when|date|what date|which day|wann|datum|tag|an welchem tag|מתי|תאריך|באיזה תאריך|באיזה יום",
    ),
];

/// A topic, with the positions of a word that speaks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// Which.
    pub(crate) topic: Topic,
    /// Positions of the words.
    pub(crate) words: Vec<usize>,
}

/// Everything in the words that speaks of a topic. A word inside a longer phrase of another topic says what the phrase
/// says: "occurs in" is no occurrence of "in".
pub(crate) fn mentions(words: &[Word]) -> Vec<Mention> {
    let all: Vec<Mention> = TOPICS
        .iter()
        .flat_map(|Row(topic, patterns)| {
            text::find_all(patterns, words)
                .into_iter()
                .map(|words| Mention {
                    topic: *topic,
                    words,
                })
        })
        .collect();
    let within = |inner: &Mention, outer: &Mention| {
        inner.topic != outer.topic
            && inner.words.len() < outer.words.len()
            && inner.words.iter().all(|word| outer.words.contains(word))
    };
    all.iter()
        .filter(|mention| !all.iter().any(|other| within(mention, other)))
        .cloned()
        .collect()
}

/// The topics that words speak of, each once.
pub(crate) fn topics(words: &[Word]) -> Vec<Topic> {
    of(&mentions(words))
}

/// The topics of mentions, each once.
pub(crate) fn of(mentions: &[Mention]) -> Vec<Topic> {
    let mut topics: Vec<Topic> = mentions.iter().map(|mention| mention.topic).collect();
    topics.sort_unstable();
    topics.dedup();
    topics
}
