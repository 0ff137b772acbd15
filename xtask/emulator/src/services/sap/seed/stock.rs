//! Stock by material, plant, storage location, stock type and special stock: 199 records, most of them nearly empty.

use rust_decimal::Decimal;

use super::{
    catalog::{PARTS, SERIES, dec},
    generate::{Draw, draw},
};

/// All records, as many as the predecessor saw of the real system.
const RECORDS: usize = 199;
/// Below this the generated records stay.
const LOW: u32 = 10;

/// A record of `A_MatlStkInAcctMod`. Batch and customer are nowhere used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StockRecord {
    pub(crate) material: String,
    pub(crate) plant: &'static str,
    pub(crate) storage_location: &'static str,
    /// Owner of consignment stock.
    pub(crate) supplier: &'static str,
    /// Internal number of the project element; `0` for none.
    pub(crate) project: &'static str,
    /// Its name; empty for none.
    pub(crate) project_name: &'static str,
    /// Sales order of stock held for one; empty for none.
    pub(crate) sales_order: &'static str,
    /// Its item; `0` for none.
    pub(crate) sales_order_item: &'static str,
    /// Empty for own stock, `E` for a sales order, `K` consignment, `Q` project.
    pub(crate) special: &'static str,
    /// `01` unrestricted, `02` quality inspection, `07` blocked.
    pub(crate) stock_type: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) quantity: Decimal,
}

/// One record a line: material, plant, storage location, stock type, quantity and base unit.
macro_rules! stock {
    ($($material:literal $plant:literal $location:literal $stock_type:literal $quantity:literal $unit:ident;)*) => {
        /// Records that matter: all that hold ten and more, and what is low of other things than bicycle parts.
        const WRITTEN: &[(&str, &str, &str, &str, Decimal, &str)] =
            &[$(($material, $plant, $location, $stock_type, dec(stringify!($quantity)), stringify!($unit))),*];
    };
}
stock! {
    "FS-HB-M5X20" "1710" "171A" "01" 118400 EA;
    "FS-HB-M5X20" "1710" "171B" "01" 42000 EA;
    "FS-WS-M5" "1710" "171A" "01" 156500 EA;
    "FS-WS-M5" "1010" "101A" "01" 59800 EA;
    "PK-BOX-01" "1710" "171A" "01" 2480 EA;
    "PK-BOX-01" "1710" "171B" "02" 640 EA;
    "PK-BOX-01" "1010" "101A" "01" 915 EA;
    "RM-GRS-01" "1710" "171A" "01" 84.350 KG;
    "RM-GRS-01" "1710" "171A" "02" 12.500 KG;
    "RM-GRS-01" "1010" "101A" "01" 3.200 KG;
    "RM-TUB-25" "1710" "171A" "01" 3412.750 M;
    "RM-TUB-25" "1710" "171A" "07" 46.500 M;
    "RM-TUB-25" "1010" "101A" "01" 1180.250 M;
    "RM-TUB-25" "1010" "101A" "07" 3.600 M;
    "RM-OIL-05" "1710" "171A" "01" 216.500 L;
    "RM-OIL-05" "1710" "171B" "01" 0.750 L;
    "MZ-RM-C900-01" "1710" "171A" "01" 95 EA;
    "MZ-RM-C900-03" "1710" "171A" "01" 131 EA;
    "MZ-RM-C900-07" "1010" "101A" "01" 77 EA;
    "MZ-RM-C950-01" "1710" "171A" "01" 312 EA;
    "MZ-RM-C950-04" "1710" "171A" "01" 640 EA;
    "MZ-RM-C950-05" "1710" "171A" "02" 24 EA;
    "MZ-RM-C950-07" "1710" "171A" "01" 58 EA;
    "MZ-RM-C990-01" "1710" "171A" "01" 724 EA;
    "MZ-RM-C990-02" "1010" "101A" "01" 240 EA;
    "MZ-RM-C990-04" "1710" "171A" "01" 1448 EA;
    "MZ-RM-C990-06" "1710" "171A" "01" 362 EA;
    "MZ-RM-R100-01" "1710" "171A" "01" 40 EA;
    "MZ-RM-R100-04" "1710" "171A" "01" 118 EA;
    "MZ-RM-R200-01" "1710" "171A" "01" 12 EA;
    "MZ-RM-R200-06" "1710" "171A" "07" 15 EA;
    "MZ-FG-C950" "1710" "171C" "01" 143 EA;
    "MZ-FG-C990" "1710" "171C" "01" 86 EA;
    "MZ-FG-R200" "1710" "171C" "01" 19 EA;
}

/// Where bicycle parts lie, in the order in which the generator fills the places.
const PLACES: [(&str, &str, &str); 6] = [
    ("1710", "171A", "01"),
    ("1710", "171B", "01"),
    ("1710", "171A", "02"),
    ("1010", "101A", "01"),
    ("1710", "171A", "07"),
    ("1010", "101A", "02"),
];

/// All records in key order.
pub(super) fn records() -> Vec<StockRecord> {
    let mut records: Vec<StockRecord> = WRITTEN
        .iter()
        .map(
            |(material, plant, location, stock_type, quantity, unit)| StockRecord {
                material: (*material).to_owned(),
                plant,
                storage_location: location,
                supplier: "",
                project: "0",
                project_name: "",
                sales_order: "",
                sales_order_item: "0",
                special: "",
                stock_type,
                unit,
                quantity: *quantity,
            },
        )
        .collect();
    records.extend(special());
    let places = PLACES.iter().flat_map(|place| {
        let parts = SERIES
            .iter()
            .flat_map(|series| (1..=PARTS.len()).map(move |part| (series, part)));
        parts.map(move |(series, part)| (place, format!("MZ-RM-{}-{part:02}", series.code)))
    });
    for (n, ((plant, storage_location, stock_type), material)) in (0..).zip(places) {
        if records.len() == RECORDS {
            break;
        }
        let taken = records.iter().any(|record| {
            (
                &record.material,
                record.plant,
                record.storage_location,
                record.stock_type,
            ) == (&material, *plant, *storage_location, *stock_type)
        });
        if !taken {
            // Empty records stay in the table when the last piece is gone.
            let quantity = draw(n, Draw::Stock, LOW).into();
            records.push(StockRecord {
                material,
                plant,
                storage_location,
                stock_type,
                quantity,
                ..own("", Decimal::ZERO)
            });
        }
    }
    records.sort();
    records
}

/// Stock that is there and not ours to use: consignment, a sales order's, a project's.
fn special() -> [StockRecord; 3] {
    [
        StockRecord {
            supplier: "USSU-VSF10",
            special: "K",
            ..own("FS-HB-M5X20", dec("20000"))
        },
        StockRecord {
            storage_location: "171C",
            sales_order: "0000004711",
            sales_order_item: "10",
            special: "E",
            ..own("MZ-FG-C990", dec("12"))
        },
        StockRecord {
            project: "00000815",
            project_name: "RACE-TEAM.2026",
            special: "Q",
            ..own("MZ-RM-C990-05", dec("30"))
        },
    ]
}

/// Unrestricted pieces in the main storage location.
fn own(material: &str, quantity: Decimal) -> StockRecord {
    StockRecord {
        material: material.to_owned(),
        plant: "1710",
        storage_location: "171A",
        supplier: "",
        project: "0",
        project_name: "",
        sales_order: "",
        sales_order_item: "0",
        special: "",
        stock_type: "01",
        unit: "EA",
        quantity,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn the_stock_looks_like_the_documented_one() {
        let records = records();
        assert_eq!(records.len(), 199);
        let low = records
            .iter()
            .filter(|record| record.quantity < Decimal::TEN);
        assert_eq!(low.count(), 165);
        let total: Decimal = records.iter().map(|record| record.quantity).sum();
        assert!((dec("410500")..dec("411500")).contains(&total), "{total}");
        let distinct = |value: fn(&StockRecord) -> &str| {
            records
                .iter()
                .map(value)
                .map(str::to_owned)
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(distinct(|record| record.unit).len(), 4);
        assert_eq!(distinct(|record| record.stock_type).len(), 3);
        assert_eq!(distinct(|record| record.special).len(), 4);
        assert!(distinct(|record| record.storage_location).len() >= 4);
        let mut units: BTreeMap<&str, &str> = BTreeMap::new();
        for record in &records {
            let unit = units.entry(&record.material).or_insert(record.unit);
            assert_eq!(*unit, record.unit, "{}", record.material);
        }
        let keys: BTreeSet<_> = records
            .iter()
            .map(|record| StockRecord {
                quantity: Decimal::ZERO,
                ..record.clone()
            })
            .collect();
        assert_eq!(keys.len(), records.len(), "keys are unique");
    }

    #[test]
    fn low_in_every_record_is_not_low_in_the_plant() {
        let records = records();
        let mut sums: BTreeMap<(&str, &str), (Decimal, Decimal)> = BTreeMap::new();
        for record in records
            .iter()
            .filter(|record| record.stock_type == "01" && record.special.is_empty())
        {
            let (sum, largest) = sums.entry((&record.material, record.plant)).or_default();
            *sum += record.quantity;
            *largest = record.quantity.max(*largest);
        }
        let ten = Decimal::TEN;
        assert!(
            sums.values()
                .any(|(sum, largest)| *largest < ten && *sum >= ten)
        );
        assert!(sums.values().any(|(sum, _)| *sum < ten));
    }
}
