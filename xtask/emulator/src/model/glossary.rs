//! What the models know of vocabulary: words of German and Hebrew with the English words that field names,
//! tool descriptions and material texts use.

use super::text::{self, Word};

/// English words (one or more), then patterns of the other two languages.
const GLOSSARY: &[(&str, &str)] = &[
    // business
    (
        "purchase order",
        "bestellung*|bestellnummer|auftrag*|הזמנה|הזמנת|הזמנות|רכש|ההזמנה",
    ),
    (
        "supplier vendor",
        "lieferant*|kreditor*|verkäufer|ספק|ספקים|ספקית",
    ),
    (
        "item line",
        "position*|posten|zeile*|פריט|פריטים|שורה|שורות",
    ),
    (
        "material product",
        "material*|produkt*|artikel|חומר|חומרים|מוצר|מוצרים|מקט",
    ),
    ("price", "preis*|stückpreis*|מחיר|מחירים"),
    (
        "amount value total",
        "wert|gesamtwert*|betrag|gesamtbetrag*|summe|kostet*|סכום|שווי|ערך|סהכ",
    ),
    ("quantity", "menge*|stückzahl|כמות|כמויות"),
    ("date", "datum|bestelldatum|wann|תאריך|מתי"),
    ("currency", "währung*|מטבע"),
    ("search find", "such*|finde*|חפש*|מצא*|לחפש|למצוא"),
    ("list show", "liste*|zeig*|auflist*|הצג|רשימה|רשימת|הראה"),
    (
        "stock inventory available",
        "bestand*|lagerbestand*|vorrat*|vorräte|verfügbar*|lager|מלאי|במלאי|זמין",
    ),
    ("transit", "unterwegs|transit|בדרך|במעבר"),
    (
        "goods receipt received",
        "wareneingang*|wareneingänge*|eingegangen|eingänge|קבלת טובין|התקבל*|קבלות|קבלה",
    ),
    (
        "delivery delivered",
        "lieferung*|geliefert*|אספקה|סופק*|נמסר*|הגיע*|משלוח",
    ),
    (
        "invoice invoiced",
        "rechnung*|fakturiert*|berechnet|חשבונית|חשבוניות|חויב*",
    ),
    (
        "awaiting missing",
        "ausstehend*|fehlt*|warte*|noch nicht|ממתינ*|חסר*|טרם",
    ),
    ("open", "offen*|פתוח*"),
    ("plant", "werk*|מפעל|אתר"),
    (
        "storage location warehouse",
        "lagerort*|lagerhaus|מחסן|מיקום",
    ),
    (
        "newest latest recent",
        "neueste*|letzte*|aktuell*|אחרונ*|חדש*",
    ),
    (
        "low threshold below",
        "niedrig*|knapp*|unter|נמוך|נמוכ*|מתחת",
    ),
    (
        "complete details header",
        "details|einzelheiten|vollständig*|kopfdaten|פרטים|פרטי|מלא*",
    ),
    (
        "payment terms",
        "zahlungsbedingung*|zahlungsziel|תנאי תשלום|תנאי התשלום",
    ),
    // parts and goods
    ("frame", "rahmen*|שלדה|שלדות|מסגרת|מסגרות"),
    ("wheel", "rad|räder*|laufrad|laufräder|גלגל*"),
    ("seat saddle", "sattel|sättel|sitz*|אוכף|אוכפים|מושב*|כיסא*"),
    ("fork", "gabel*|מזלג*"),
    ("brake", "bremse*|בלם|בלמים|מעצור*"),
    ("handle bar handlebar", "lenker*|lenkstange*|כידון|כידונים"),
    (
        "drive train",
        "antrieb*|antriebsstrang|getriebe|מערכת הנעה|מערכות הנעה|הנעה|תמסורת",
    ),
    ("chain", "kette*|שרשרת|שרשראות"),
    ("pedal", "pedal*|דוושה|דוושות|פדל*"),
    ("tire tyre", "reifen|צמיג*"),
    ("tube", "schlauch|schläuche|rohr*|צינור*|פנימית"),
    ("bell", "klingel*|פעמון*"),
    ("lamp light", "lampe*|licht*|leuchte*|מנורה|מנורות|פנס*"),
    ("helmet", "helm*|קסדה|קסדות"),
    ("rack", "gepäckträger|סבל|מנשא*"),
    ("bolt screw", "schraube*|bolzen|בורג|ברגים"),
    ("nut", "mutter*|אום|אומים"),
    ("pump", "pumpe*|משאבה|משאבות"),
    ("motor engine", "motor*|מנוע*"),
    ("battery", "batterie*|akku*|סוללה|סוללות"),
    ("cable", "kabel*|כבל|כבלים"),
    ("bearing", "lager|kugellager|מסב|מסבים"),
    ("gear", "zahnrad|zahnräder|גלגל שיניים"),
    ("paint", "farbe*|lack*|צבע*"),
    ("steel", "stahl*|פלדה"),
    ("paper", "papier*|נייר"),
    ("box carton", "karton*|schachtel*|קופסה|קרטון*"),
    ("glove", "handschuh*|כפפ*"),
    (
        "service maintenance",
        "dienstleistung*|wartung*|שירות*|תחזוקה",
    ),
    ("sensor", "sensor*|fühler|חיישן|חיישנים"),
    ("valve", "ventil*|שסתום*"),
    ("filter", "filter*|מסנן|מסננים"),
    // everyday
    ("weather forecast", "wetter*|מזג האוויר|תחזית"),
    ("temperature", "temperatur*|wie warm|wie kalt|טמפרטורה"),
    ("city", "stadt|ort|עיר"),
    ("flight", "flug|flüge|טיסה|טיסות"),
    ("time", "zeit|uhrzeit|שעה|זמן"),
];

/// Parts of a business other than buying and storing, as they are spoken of in English, then in all three languages.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "sale sold customer client revenue turnover",
        "customer|customers|client|clients|did we sell|we sold|sales|revenue|turnover|quotation|kunde*|verkauft|verkaufen|verkaufszahl*|umsatz*|vertrieb*|angebotspreis*|לקוח|לקוחות|מכירות|מכרנו|נמכר*|הכנסות|מחזור מכירות",
    ),
    (
        "vacation leave salary payroll employee",
        "vacation|holiday|holidays|sick leave|salary|payslip|payroll|overtime|employee|employees|colleague|urlaub*|gehalt*|=lohn|lohnabrechnung*|krankmeldung*|überstunden|mitarbeiter*|kollege*|personalabteilung|חופשה|חופשות|משכורת|משכורות|שכר|תלוש|עובדים|עובד|מחלה|שעות נוספות",
    ),
    (
        "canteen lunch restaurant recipe",
        "canteen|lunch|cafeteria|restaurant|recipe|kantine*|mittagessen|speiseplan|rezept*|קפיטריה|חדר אוכל|ארוחת צהריים|ארוחה|מתכון",
    ),
    (
        "weather forecast temperature",
        "weather|rain|wetter*|regen|regnet|מזג האוויר|גשם|תחזית",
    ),
    (
        "production manufacturing assembly",
        "production order|production orders|manufactured|assembled|fertigungsauftrag*|produktionsauftrag*|produziert|הוראת ייצור|פקודת ייצור|ייצור|ייצרנו",
    ),
    (
        "meeting appointment calendar travel hotel flight",
        "meeting|appointment|calendar|hotel|flight|flights|business trip|besprechung*|kalender|dienstreise*|flug|פגישה|פגישות|יומן|מלון|טיסה|טיסות|נסיעה",
    ),
    (
        "share exchange news football",
        "share price|stock market|exchange rate|news|football|election|aktie*|börse*|wechselkurs*|nachrichten|fussball|wahl|מניה|מניות|בורסה|שער חליפין|חדשות היום|כדורגל|בחירות",
    ),
];

/// The parts of a business that words speak of, in English.
pub(crate) fn elsewhere(words: &[Word]) -> impl Iterator<Item = &'static str> {
    ELSEWHERE
        .iter()
        .filter(|(_, patterns)| text::contains(patterns, words))
        .map(|(english, _)| *english)
}

/// Words of a question that carry no content for choosing tools or fields.
const EMPTY: &str = "the|is|are|of|what|which|who|when|where|how|many|much|for|please|not|does|do|did|i|me|my|you|your|we|our|us|to|with|on|in|at|from|by|this|that|there|it|its|and|or|has|have|had|been|be|was|were|can|could|would|will|any|a|an|give|tell|s|so|if|as|also|need|want|know|hi|hello|thanks|just|only|into|than|then|these|those|about|get|got|returns|one|der|die|das|den|dem|des|und|oder|ist|sind|war|waren|wie|wer|wem|wann|wo|was|welche|welcher|welches|welchen|welchem|du|sie|er|ich|wir|mir|mich|uns|ihr|kannst|kann|sagen|sag|gib|zeig|nenne|ob|schon|noch|auch|bitte|von|vom|zu|zum|zur|mit|auf|bei|beim|aus|ein|eine|einen|einem|einer|es|gibt|hat|haben|hast|viele|viel|alle|allen|wurde|wurden|worden|werden|wird|nicht|da|davon|dort|mal|hallo|heute|jetzt|dass|deren|dessen|laut|insgesamt|im|am|um";

/// The English words behind the content words of a question: themselves, and translations.
pub(crate) fn english_keywords(words: &[Word]) -> Vec<String> {
    let mut keywords: Vec<String> = words
        .iter()
        .filter(|word| {
            word.folded.len() > 1
                && word.folded.is_ascii()
                && !word.folded.bytes().any(|b| b.is_ascii_digit())
        })
        .filter(|word| !is_empty(&word.folded))
        .map(|word| word.folded.clone())
        .collect();
    for (english, patterns) in GLOSSARY {
        if text::contains(patterns, words) {
            keywords.extend(english.split(' ').map(str::to_owned));
        }
    }
    keywords.sort_unstable();
    keywords.dedup();
    keywords
}

/// Goods in another language in English, when every word of them is known; materials are mostly described in English.
pub(crate) fn translated(words: &[Word]) -> Option<String> {
    let english: Option<Vec<&str>> = words
        .iter()
        .map(|word| {
            let row = GLOSSARY.iter().find(|(_, patterns)| {
                !word.folded.is_ascii() && text::contains(patterns, std::slice::from_ref(word))
            })?;
            row.0.split(' ').next()
        })
        .collect();
    english.map(|words| words.join(" "))
}

/// Whether a word carries no content.
pub(crate) fn is_empty(word: &str) -> bool {
    EMPTY.split('|').any(|empty| empty == word)
}

/// Whether two English words are the same but for their ending: `invoice` and `invoiced`, `delivery` and `delivered`.
pub(crate) fn related(a: &str, b: &str) -> bool {
    // Rules out nearly everything: every relation shares the beginning.
    if a.as_bytes().first() != b.as_bytes().first() {
        return false;
    }
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let (longest, shortest) = (
        a.chars().count().max(b.chars().count()),
        a.chars().count().min(b.chars().count()),
    );
    common == longest
        || (common >= 3 && common == shortest && longest - shortest <= 2)
        || (common >= 5 && longest - common <= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translates_content_words() {
        let keywords = |question: &str| english_keywords(&text::words(question));
        assert!(keywords("Wie viele Räder sind auf Lager?").contains(&"wheel".to_owned()));
        assert!(keywords("כמה גלגלים יש במלאי?").contains(&"stock".to_owned()));
        assert_eq!(keywords("What is the total of PO 42?"), ["po", "total"]);
    }

    #[test]
    fn relates_inflected_words() {
        for (a, b, expected) in [
            ("order", "orders", true),
            ("invoice", "invoiced", true),
            ("delivery", "delivered", true),
            ("stock", "storage", false),
            ("item", "items", true),
            ("date", "data", false),
            ("po", "point", false),
            ("total", "totals", true),
        ] {
            assert_eq!(related(a, b), expected, "{a} {b}");
        }
    }
}
