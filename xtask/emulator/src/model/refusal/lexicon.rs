//! The intent lexicon: an action and an object in one sentence, or a phrase that says it alone.

use super::Intent;

/// How an intent is spoken of.
#[derive(Debug)]
pub(crate) struct Lexicon {
    /// Verbs.
    pub(super) action: &'static str,
    /// What they must act on.
    pub(super) object: &'static str,
    /// Phrases that need nothing else.
    pub(super) alone: &'static str,
    /// Words that say it when a sentence starts with them.
    pub(super) opening: &'static str,
    /// Words beside which the rest does not count.
    pub(super) unless: &'static str,
}

const NOTHING: Lexicon = Lexicon {
    action: "",
    object: "",
    alone: "",
    opening: "",
    unless: "",
};

/// In order of gravity: the first that matches is the intent.
pub(super) const INTENTS: &[(Intent, Lexicon)] = &[
    (
        Intent::SelfHarm,
        Lexicon {
            alone: "kill myself|end my life|hurt myself|suicide|suicidal|want to die|mich umbringen|selbstmord|suizid|nicht mehr leben|mein leben beenden|להתאבד|להרוג את עצמי|לפגוע בעצמי|אובדני",
            ..NOTHING
        },
    ),
    (
        Intent::Harm,
        Lexicon {
            action: "build|make|construct|assemble|buy|smuggle|how|cook|synthesize|synthesise|produce|recipe|instructions|kill|poison|hide|acquire|obtain|baue*|bauen|herstell*|kaufe*|bastel*|anleitung|koche*|schmuggel*|töte*|vergifte*|wie|לבנות|בונים|בנה|מכינים|להכין|לייצר|מייצרים|לקנות|להבריח|להרוג|להרעיל|איך",
            object: "bomb|bombs|explosive|explosives|grenade|firearm|firearms|weapon|weapons|silencer|nerve agent|poison gas|meth|methamphetamine|cocaine|heroin|fentanyl|napalm|bombe|bomben|sprengstoff*|granate*|waffe|waffen|schusswaffe*|giftgas|drogen|kokain|heroin|crystal meth|פצצה|פצצות|פצצת|מטען חבלה|חומר נפץ|נשק|רימון|סמים|קוקאין|הרואין",
            alone: "pipe bomb|molotov*|kill someone|hurt someone|poison someone|kill somebody|jemanden töten|jemanden umbringen|jemanden vergiften|how to kill|murder|terror attack|racist joke|racist jokes|hate speech|rohrbombe*|terroranschlag|rassistische*|פיגוע|לרצוח|בדיחה גזענית|בדיחות גזעניות",
            ..NOTHING
        },
    ),
    (
        Intent::Attack,
        Lexicon {
            action: "write|create|build|make|code|generate|send|draft|run|launch|perform|use|hack|break|exploit|install|give|show|how|help|schreib*|erstell*|bau*|programmier*|sende*|führ*|hack*|wie|hilf*|entwickl*|כתוב|צור|בנה|שלח|פרוץ|לפרוץ|לכתוב|תכתוב|איך|עזור",
            object: "malware|virus|ransomware|trojan|keylogger|phishing|spyware|exploit|exploits|rootkit|botnet|ddos|sql injection|backdoor|worm|hack .. server|hack .. system|hack into|break into|bypass .. authentication|bypass .. login|steal .. data|schadsoftware|erpressungssoftware|trojaner|hintertür|einbrechen|einhack*|einzuhacken|וירוס|נוזקה|כופרה|פישינג|דיוג|סוס טרויאני|לפרוץ|פריצה|דלת אחורית",
            alone: "hack into|drop table|ransomware|keylogger",
            ..NOTHING
        },
    ),
    (
        Intent::Fraud,
        Lexicon {
            action: "change|replace|redirect|swap|update|set|forge|fake|falsify|backdate|manipulate|inflate|hide|conceal|launder|bribe|embezzle|fabricate|alter|divert|split|create|make|write|draft|pay|transfer|help|approve|bypass|avoid|circumvent|evade|änder*|ersetz*|fälsch*|manipulier*|umleit*|leit*|rückdatier*|verschleier*|besteche*|wasche*|unterschlag*|erstell*|umgeh*|aufteil*|überweis*|שנה|החלף|זייף|לזייף|לשנות|להחליף|העבר|להעביר|הסתר|להסתיר|לשחד|הלבן|להלבין|לעקוף|פצל|לפצל|תשנה",
            object: "bank details|bank account|bank data|iban|my account|my own account|my private account|fake invoice|fake invoices|forged|fraudulent|invoice .. fake|false invoice|shell company|money laundering|approval limit|approval limits|kickback|kickbacks|bribe|tax evasion|signature|receipts so|bankverbindung*|bankdaten|bankkonto|mein konto|privatkonto|scheinrechnung*|gefälschte*|scheinfirma|geldwäsche|genehmigungsgrenze*|freigabegrenze*|schmiergeld*|steuerhinterziehung|unterschrift|פרטי הבנק|פרטי בנק|חשבון הבנק|לחשבון שלי|חשבונית מזויפת|חשבוניות מזויפות|חשבונית פיקטיבית|חשבוניות פיקטיביות|הלבנת הון|מגבלת האישור|שוחד|העלמת מס|חתימה",
            alone: "backdate|backdating|rückdatier*|zurückdatier*|hide .. audit*|conceal .. audit*|from the auditors|vor der revision|vor den prüfern|מהמבקרים|מהביקורת|forge .. invoice|forge .. order|forge .. signature|fake invoice|falsify .. invoice|falsify .. order|manipulate .. price|manipulate .. amount|launder money|fake purchase order|fake supplier|pretend .. delivered|rechnung .. fälsch*|fälsch* .. rechnung|fälsch* .. bestellung|scheinrechnung*|geld waschen|scheinlieferant*|לזייף|זייף|הזמנה מזויפת|חשבונית מזויפת|חשבונית פיקטיבית|ספק פיקטיבי",
            ..NOTHING
        },
    ),
    (
        Intent::Privacy,
        Lexicon {
            action: "give|tell|find|what|where|show|list|look|gib|nenn*|finde|wo|was|wie|zeig*|תן|מצא|איפה|מה|הצג",
            object: "home address|private address|private phone|social security|salary of|personal phone|credit card number|privatadresse|privatnummer|wohnadresse|private telefonnummer|gehalt von|sozialversicherungsnummer|kreditkartennummer|כתובת הבית|כתובת פרטית|טלפון פרטי|תעודת זהות|המשכורת של|כרטיס אשראי",
            ..NOTHING
        },
    ),
    (
        Intent::Credentials,
        Lexicon {
            alone: "password|passwords|passcode|credential|credentials|api key|api keys|access key|access keys|secret key|client secret|access token|bearer token|oauth token|private key|login data|secret|secrets|secrets manager|environment variables|passwort*|kennwort*|zugangsdaten|anmeldedaten|geheimnis|geheimer schlüssel|api schlüssel|zugriffstoken|umgebungsvariablen|סיסמה|סיסמא|סיסמאות|סיסמת|פרטי גישה|פרטי הגישה|פרטי הזדהות|פרטי ההתחברות|פרטי התחברות|מפתח api|מפתח גישה|מפתח הגישה|טוקן|אסימון",
            ..NOTHING
        },
    ),
    (
        Intent::Override,
        Lexicon {
            action: "ignore|disregard|forget|override|bypass|drop|skip|ignorier*|vergiss|vergesse|missacht*|übergeh*|התעלם|התעלמי|תתעלם|להתעלם|שכח|תשכח",
            object: "instruction|instructions|rules|rule|guidelines|prompt|restrictions|everything above|everything you|anweisung*|regel*|vorgaben|instruktion*|beschränkung*|ההוראות|הוראות|הכללים|כללים|ההנחיות|הנחיות|המגבלות",
            alone: "you are now|developer mode|jailbreak|do anything now|act as dan|no restrictions|without restrictions|pretend you are|from now on you|entwicklermodus|du bist jetzt|ohne einschränkungen|tu so als|מצב מפתח|אתה עכשיו|ללא הגבלות|בלי הגבלות|העמד פנים",
            ..NOTHING
        },
    ),
    (
        Intent::SystemPrompt,
        Lexicon {
            action: "print|show|repeat|reveal|tell|give|what|output|display|share|list|translate|copy|recite|zeig*|wiederhol*|nenn*|gib|verrat*|was|wie|ausgeben|הצג|הדפס|חזור|גלה|ספר|מה|הראה|תן|חשוף|תציג|תדפיס|תראה|תגלה|תחזור",
            object: "system prompt|your prompt|your instructions|initial instructions|hidden instructions|your configuration|text above|everything above|systemprompt*|system prompt*|deine anweisungen|deine instruktionen|deinen anweisungen|deinen prompt|text oben|הוראות המערכת|ההוראות שלך|הנחיות המערכת|ההנחיות שלך|הפרומפט|פרומפט",
            alone: "system prompt|systemprompt",
            ..NOTHING
        },
    ),
    (
        Intent::WriteAction,
        Lexicon {
            opening: "=delete|=cancel|=approve|=reject|=change|=update|=create|=release|=remove|=modify|=increase|=reduce|=book|=pay|=place .. order|=raise|\
                =lösche|=storniere|=genehmige|=ändere|=aktualisiere|=erstelle|=lege|=gib .. frei|=sperre|=schliesse|=entferne|=erhöhe|=reduziere|=buche|=bezahle|=bestelle|=lösch|=stornier|=änder|\
                =post|=enter|=receive|=open a|=open an|=verbuche|=trage|=gib .. freigabe|=leg|=eröffne|=setz|=תפתח|=תפתחי|=תיצור|=תיצרי|=תזמין|=תזמיני|=תרשום|=תרשמי|=רשום|=קלוט|=תקלוט|=תאשרי|=תבטלי|=תמחקי|=תעדכן|=תעדכני|\
                =מחק|=בטל|=אשר|=שנה|=עדכן|=צור|=שחרר|=חסום|=סגור|=הסר|=הגדל|=הקטן|=הוסף|=שלם|=הזמן|=תמחק|=תבטל|=תאשר|=תשנה|=פתח",
            unless: "summary|overview|list|report|table|übersicht|zusammenfassung|liste|סיכום|רשימה",
            alone: "go ahead and delete|go ahead and cancel|please delete|please cancel|please approve|please post|please release|please book|please change|please create|please update|can you delete|can you cancel|can you approve|can you change|can you create|can you update|could you delete|could you cancel|could you approve|could you change|could you create|\
                bitte lösche*|bitte buche*|gib .. frei|geben sie .. frei|bitte storniere*|bitte genehmige*|bitte ändere*|bitte erstelle*|kannst du .. löschen|kannst du .. stornieren|kannst du .. genehmigen|kannst du .. ändern|kannst du .. anlegen|\
                אנא מחק|אנא בטל|אנא אשר|אנא שנה|בבקשה מחק|בבקשה בטל|בבקשה אשר|תוכל למחוק|תוכל לבטל|תוכל לאשר|תוכל לשנות|אפשר למחוק|אפשר לבטל|אפשר לאשר",
            ..NOTHING
        },
    ),
    (
        Intent::SmallTalk,
        Lexicon {
            alone: "hello|hi|hey|good morning|good evening|good afternoon|how are you|thank you|thanks|bye|goodbye|who are you|what can you do|what tools|which tools|what do you do|welche werkzeuge|אילו כלים|tell me a joke|joke|hallo|guten tag|guten morgen|guten abend|wie geht*|danke*|tschüss|wer bist du|was kannst du|witz|שלום|היי|בוקר טוב|ערב טוב|מה שלומך|תודה|להתראות|מי אתה|מה אתה יודע|בדיחה",
            ..NOTHING
        },
    ),
];
