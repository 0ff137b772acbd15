//! Master data of the seed: companies, suppliers, payment terms and materials.
//!
//! Ids follow the S/4HANA trial image (company code, plant and purchasing organisation 1710, suppliers
//! `USSU-VSF..` and `17300001`, materials `MZ-RM-..`); names are made up, save for those that image shows.

use rust_decimal::Decimal;

/// The decimal that `text` spells, for example `335.24`: money is written in the seed as it is read.
///
/// # Panics
/// On anything but digits with at most one point; in a `static` that is an error of the compiler.
pub(crate) const fn dec(text: &str) -> Decimal {
    let bytes = text.as_bytes();
    let (mut digits, mut scale, mut fraction, mut at) = (0_u64, 0, false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'.' if !fraction => fraction = true,
            digit @ b'0'..=b'9' => {
                digits = digits * 10 + (digit - b'0') as u64;
                if fraction {
                    scale += 1;
                }
            }
            _ => panic!("not a decimal"),
        }
        at += 1;
    }
    Decimal::from_parts(digits as u32, (digits >> 32) as u32, 0, false, scale)
}

/// A company code with its one plant and purchasing organisation, which share the number.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) organization_name: &'static str,
    pub(crate) plant_name: &'static str,
}

pub(crate) static US: Company = Company {
    code: "1710",
    name: "Flywheel Cycles US Inc.",
    organization_name: "Purch. Org. 1710",
    plant_name: "Plant 1 US",
};
pub(crate) static DE: Company = Company {
    code: "1010",
    name: "Flywheel Cycles DE GmbH",
    organization_name: "Purch. Org. 1010",
    plant_name: "Werk 1 DE",
};

/// Terms of payment: the key, its text, and the days behind it.
#[derive(Debug)]
pub(crate) struct PaymentTerms {
    pub(crate) key: &'static str,
    pub(crate) text: &'static str,
    pub(crate) discount_days: u16,
    pub(crate) discount_percent: Decimal,
    pub(crate) net_days: u16,
}

macro_rules! payment_terms {
    ($($name:ident = $key:literal $text:literal, $discount_days:literal days $percent:literal %, net $net_days:literal;)*) => {$(
        static $name: PaymentTerms = PaymentTerms {
            key: $key, text: $text, discount_days: $discount_days,
            discount_percent: dec(stringify!($percent)), net_days: $net_days,
        };
    )*};
}
payment_terms! {
    AT_ONCE = "0001" "Pay immediately w/o deduction", 0 days 0 %, net 0;
    SKONTO = "0002" "14 days 2%, 30 days net", 14 days 2 %, net 30;
    NET30 = "NT30" "30 days net", 0 days 0 %, net 30;
    NET45 = "NT45" "45 days net", 0 days 0 %, net 45;
    NET60 = "NT60" "60 days net", 0 days 0 %, net 60;
}

/// A document currency: its decimal places and what a dollar is worth in it in this seed.
#[derive(Debug, PartialEq)]
pub(crate) struct Currency {
    pub(crate) code: &'static str,
    pub(crate) decimals: u32,
    pub(crate) per_dollar: Decimal,
}

macro_rules! currencies {
    ($($code:ident $decimals:literal $per_dollar:literal;)*) => {$(
        pub(crate) static $code: Currency =
            Currency { code: stringify!($code), decimals: $decimals, per_dollar: dec(stringify!($per_dollar)) };
    )*};
}
currencies! {
    USD 2 1;
    EUR 2 0.92;
    JPY 0 150;
    ILS 2 3.6;
    KWD 3 0.307;
    GBP 2 0.79;
    CHF 2 0.88;
}

/// A vendor master record.
#[derive(Debug)]
pub(crate) struct Supplier {
    pub(crate) id: &'static str,
    /// At most 35 characters, as `SupplierName` is.
    pub(crate) name: &'static str,
    pub(crate) company: &'static Company,
    pub(crate) currency: &'static Currency,
    pub(crate) terms: &'static PaymentTerms,
    /// Whether the generator gives it orders; the others have only those written in `special.rs`.
    pub(crate) common: bool,
}

macro_rules! suppliers {
    ($($id:literal $name:literal $company:ident $currency:ident $terms:ident $common:literal;)*) => {
        /// All vendors.
        pub(crate) static SUPPLIERS: &[Supplier] = &[$(Supplier {
            id: $id, name: $name, company: &$company, currency: &$currency, terms: &$terms, common: $common,
        }),*];
    };
}
suppliers! {
    "USSU-VSF01" "EV Parts Inc." US USD NET30 true;
    "USSU-VSF02" "Great Lakes Frames LLC" US USD NET45 true;
    "USSU-VSF03" "Detroit Chain & Gear Co." US USD NET30 true;
    "USSU-VSF04" "Pacific Wheelworks Inc." US USD SKONTO true;
    "USSU-VSF05" "Blue Ridge Cycle Supply" US USD NET60 true;
    "USSU-VSF06" "Lone Star Components LP" US USD NET30 true;
    "USSU-VSF07" "Prairie Rubber Works" US USD NET45 true;
    "USSU-VSF08" "Summit Bike Components Inc." US USD NET30 true;
    "USSU-VSF09" "O'Connor & Sons Cycle Parts" US USD SKONTO false;
    "USSU-VSF10" "Cascade Fasteners Corp." US USD AT_ONCE false;
    "USSU-VSF11" "Hudson Saddle Company" US USD NET30 true;
    "USSU-VSF12" "Ozark Paint & Coating" US USD NET30 false;
    "USSU-VSF13" "Mesa Aluminum Extrusions" US USD NET45 true;
    "USSU-VSF14" "Erie Bearings Inc." US USD NET60 true;
    "USSU-VSF15" "Gulf Coast Logistics Parts" US USD AT_ONCE true;
    "USSU-VSF16" "Keystone Tool & Die" US USD NET30 true;
    "17300001" "Domestic US Supplier 1" US USD NET30 true;
    "17300002" "Domestic US Supplier 2" US USD NET45 true;
    "17300003" "Domestic US Supplier 3" US USD AT_ONCE true;
    "17300004" "Domestic US Supplier 4" US USD NET60 true;
    "17300005" "Domestic US Supplier 5" US USD SKONTO true;
    "USSU-SRV01" "Frame & Finish Services LLC" US USD AT_ONCE false;
    "USSU-SRV02" "Northgate Calibration Services" US USD NET30 false;
    "DESU-VSF01" "Rheinland Fahrradteile GmbH" DE EUR SKONTO true;
    "DESU-VSF02" "Müller & Söhne Antriebstechnik" DE EUR NET45 true;
    "DESU-VSF03" "Schwarzwald Sattel KG" DE EUR NET30 true;
    "FRSU-VSF01" "Cycles de l'Étoile SARL" DE EUR NET60 false;
    "ITSU-VSF01" "Telai Brianza S.r.l." DE EUR NET60 true;
    "CHSU-VSF01" "Jura Präzision AG" DE CHF NET30 false;
    "GBSU-VSF01" "Sheffield Steel Tubing Ltd" US GBP NET30 false;
    "JPSU-VSF01" "Osaka Drivetrain K.K." US JPY NET60 true;
    "JPSU-VSF02" "Hamamatsu Precision K.K." US JPY NET60 false;
    "ILSU-VSF01" "Negev Bicycle Works Ltd." US ILS NET60 false;
    "KWSU-VSF01" "Gulf Cycle Trading W.L.L." US KWD AT_ONCE false;
}

/// The vendor with that number.
///
/// # Panics
/// When the number is not in the table above: the seed is written against it.
pub(crate) fn supplier(id: &str) -> &'static Supplier {
    SUPPLIERS
        .iter()
        .find(|supplier| supplier.id == id)
        .expect("the seed names suppliers of its own table")
}

/// A bicycle line: its raw materials are `MZ-RM-<series>-01` to `-07`.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) code: &'static str,
    pub(crate) bicycle: &'static str,
    /// Price against the C990 line.
    pub(crate) factor: Decimal,
}

/// The five lines; C990 is the one of purchase order 4500000520.
pub(crate) static SERIES: [Series; 5] = [
    Series {
        code: "C900",
        bicycle: "BKC-900",
        factor: dec("0.70"),
    },
    Series {
        code: "C950",
        bicycle: "BKC-950",
        factor: dec("0.85"),
    },
    Series {
        code: "C990",
        bicycle: "BKC-990",
        factor: dec("1"),
    },
    Series {
        code: "R100",
        bicycle: "BKR-100",
        factor: dec("1.20"),
    },
    Series {
        code: "R200",
        bicycle: "BKR-200",
        factor: dec("1.35"),
    },
];

/// Part name and dollar price in the C990 line; a bicycle takes one of each, and two wheels.
pub(crate) static PARTS: [(&str, Decimal); 7] = [
    ("Frame", dec("335.24")),
    ("Handle Bars", dec("11.56")),
    ("Seat", dec("11.56")),
    ("Wheels", dec("14.45")),
    ("Forks", dec("46.24")),
    ("Brakes", dec("28.90")),
    ("Drive Train", dec("115.60")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn master_data_fits_its_fields() {
        for supplier in SUPPLIERS {
            assert!(supplier.id.len() <= 10, "{}", supplier.id);
            assert!(supplier.name.chars().count() <= 35, "{}", supplier.name);
            assert!(supplier.terms.text.len() <= 30, "{}", supplier.terms.text);
        }
        for company in [&US, &DE] {
            assert!(
                company.name.len() <= 25
                    && company.organization_name.len() <= 20
                    && company.plant_name.len() <= 30
            );
        }
        let mut ids: Vec<_> = SUPPLIERS.iter().map(|supplier| supplier.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), SUPPLIERS.len());
    }
}
