//! `$filter`: the OData v2 expression grammar, checked against the entity type before any row is read.
//!
//! Comparison, `and`, `or`, `not`, parentheses, typed literals and the functions of [`Function`].
//! Everything else of the standard is answered with 501 and its name.

use std::cmp::Ordering;

use super::{
    entities::{EntitySet, Property, Row},
    errors::ODataError,
    value::{Kind, Value},
};

mod function;
pub(super) mod lexer;
mod parser;

use function::{Function, call};

/// A checked filter over the rows of one set.
#[derive(Debug)]
pub(crate) struct Filter(Expression);

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// 400 with the position on bad syntax, an unknown property or operands of different types; 501 on what is valid but missing here.
    pub(crate) fn parse(text: &str, set: &'static EntitySet) -> Result<Self, ODataError> {
        parser::parse(text, set).map(Filter)
    }

    /// Whether the row passes.
    pub(crate) fn accepts(&self, row: &Row<'_>) -> bool {
        self.0.evaluate(row).is_true()
    }

    /// The text that `property` must equal for any row to pass, if the filter says so on its top level:
    /// lets a lookup by order number skip all other orders.
    pub(crate) fn required_text(&self, property: &str) -> Option<&str> {
        self.0.required_text(property)
    }
}

#[derive(Debug)]
enum Expression {
    Literal(Value<'static>),
    Property(&'static Property),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Compare(Operator, Box<Expression>, Box<Expression>),
    Call(Function, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            _ => return None,
        })
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Operator::Eq => ordering.is_eq(),
            Operator::Ne => ordering.is_ne(),
            Operator::Gt => ordering.is_gt(),
            Operator::Ge => ordering.is_ge(),
            Operator::Lt => ordering.is_lt(),
            Operator::Le => ordering.is_le(),
        }
    }
}

impl Expression {
    fn kind(&self) -> Kind {
        match self {
            Expression::Literal(value) => value.kind(),
            Expression::Property(property) => property.edm.kind(),
            Expression::Not(_)
            | Expression::And(_)
            | Expression::Or(_)
            | Expression::Compare(..) => Kind::Boolean,
            Expression::Call(function, _) => function.result(),
        }
    }

    fn required_text(&self, name: &str) -> Option<&str> {
        match self {
            Expression::And(operands) => operands
                .iter()
                .find_map(|operand| operand.required_text(name)),
            Expression::Compare(Operator::Eq, left, right) => match (&**left, &**right) {
                (Expression::Property(property), Expression::Literal(Value::Text(text)))
                | (Expression::Literal(Value::Text(text)), Expression::Property(property))
                    if property.name == name =>
                {
                    Some(text)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn evaluate<'a>(&'a self, row: &Row<'a>) -> Value<'a> {
        match self {
            Expression::Literal(value) => value.clone(),
            Expression::Property(property) => (property.get)(row),
            Expression::Not(operand) => Value::Boolean(!operand.evaluate(row).is_true()),
            Expression::And(operands) => Value::Boolean(
                operands
                    .iter()
                    .all(|operand| operand.evaluate(row).is_true()),
            ),
            Expression::Or(operands) => Value::Boolean(
                operands
                    .iter()
                    .any(|operand| operand.evaluate(row).is_true()),
            ),
            Expression::Compare(operator, left, right) => {
                Value::Boolean(operator.holds(left.evaluate(row).order(&right.evaluate(row))))
            }
            Expression::Call(function, arguments) => {
                let arguments: Vec<_> = arguments
                    .iter()
                    .map(|argument| argument.evaluate(row))
                    .collect();
                call(*function, &arguments)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sap::{entities::SERVICES, seed::Seed};

    fn matching(set: &str, filter: &str) -> Result<usize, ODataError> {
        let set = SERVICES[0].set(set).unwrap();
        let filter = Filter::parse(filter, set)?;
        Ok((set.rows)(Seed::shared(), None)
            .iter()
            .filter(|row| filter.accepts(row))
            .count())
    }

    #[test]
    fn headers_that_pass() {
        let check = |filter: &str, expected: usize| {
            assert_eq!(
                matching("C_PurchaseOrderFs", filter),
                Ok(expected),
                "{filter}"
            );
        };
        check("PurchaseOrder eq '4500000520'", 1);
        check("'4500000520' eq PurchaseOrder", 1);
        check("  (((PurchaseOrder eq '4500000520')))  ", 1);
        check(
            "PurchaseOrder ge '4500000001' and PurchaseOrder le '4500000012'",
            12,
        );
        check("PurchaseOrder gt '4500002120'", 4);
        check(
            "PurchaseOrder lt '4500000003' or PurchaseOrder eq '4500000520'",
            3,
        );
        check("not (PurchaseOrder gt '4500000003')", 3);
        check("not (not (PurchaseOrder eq '4500000520'))", 1);
        // `and` binds tighter than `or`.
        check(
            "PurchaseOrder eq '4500000001' or PurchaseOrder eq '4500000002' and Supplier eq 'nobody'",
            1,
        );
        check(
            "(PurchaseOrder eq '4500000001' or PurchaseOrder eq '4500000002') and Supplier eq 'nobody'",
            0,
        );
        check("PurchaseOrder ne '4500000520'", 2_099);
        check("substringof('520',PurchaseOrder)", 2);
        check("substringof('520', PurchaseOrder) eq true", 2);
        check("startswith(SupplierName,'O''Connor')", 4);
        check("SupplierName eq 'O''Connor & Sons Cycle Parts'", 4);
        check(
            "endswith(SupplierName,'K.K.') and DocumentCurrency eq 'JPY' and startswith(Supplier,'JPSU-VSF02')",
            3,
        );
        check(
            "substringof('MÜLLER',toupper(SupplierName)) and PurchaseOrder eq '4500000460'",
            1,
        );
        check("tolower(Supplier) eq 'ussu-vsf10'", 1);
        check("length(Supplier) eq 0", 1);
        check("indexof(PurchaseOrder,'0520') eq 6", 1);
        check("substring(PurchaseOrder,6) eq '0520'", 1);
        check("substring(PurchaseOrder,6,3) eq '052'", 10);
        check(
            "concat(CompanyCode,DocumentCurrency) eq '1710JPY' and Supplier eq 'JPSU-VSF02'",
            3,
        );
        check("trim(Supplier) eq 'KWSU-VSF01'", 1);
        check(
            "PurchaseOrderDate eq datetime'2019-10-21T00:00:00' and PurchaseOrder eq '4500000520'",
            1,
        );
        check("PurchaseOrderDate ge datetime'2025-08-11T00:00'", 50);
        check(
            "year(PurchaseOrderDate) eq 2025 and month(PurchaseOrderDate) eq 8 and day(PurchaseOrderDate) eq 29",
            1,
        );
        check("PurchaseOrderNetAmount eq 209236M", 1);
        check("PurchaseOrderNetAmount eq 209236.00m", 1);
        check(
            "PurchaseOrderNetAmount ge 2.09236E5 and PurchaseOrder eq '4500000520'",
            1,
        );
        check("PurchaseOrderNetAmount lt -1", 0);
        check("Supplier eq null", 0);
        check("PurchasingCompletenessStatus", 1);
        check("PurchasingCompletenessStatus eq true", 1);
    }

    #[test]
    fn items_that_pass() {
        let check = |filter: &str, expected: usize| {
            assert_eq!(
                matching("I_PurchaseOrderItem", filter),
                Ok(expected),
                "{filter}"
            );
        };
        check("PurchaseOrder eq '4500000520'", 7);
        check("PurchaseOrder eq '4500000520' and NetPriceAmount gt 100", 2);
        check(
            "PurchaseOrder ge '4500002082' and IsCompletelyDelivered eq false and IsFinallyInvoiced eq false",
            301,
        );
        check("IsReturnsItem eq true", 1);
        check("PurchasingDocumentDeletionCode eq 'L'", 3);
        check("NetPriceQuantity eq 100L", 2);
        check("PurchaseOrderItemText eq 'שלדת אופני הרים'", 1);
        check(
            "CreationTime ge time'PT00H' and PurchaseOrder eq '4500000520'",
            7,
        );
    }

    #[test]
    fn refusals_name_what_is_wrong() {
        let check = |filter: &str, expected: &str| {
            let error = matching("C_PurchaseOrderFs", filter)
                .expect_err(filter)
                .to_string();
            assert_eq!(error, expected, "{filter}");
        };
        check("", "Expected an operand at position 0 of $filter");
        check(
            "PurchaseOrder eq",
            "Expected an operand at position 16 of $filter",
        );
        check("PurchaseOrder", "$filter needs Edm.Boolean, not Edm.String");
        check(
            "Colour eq 'red'",
            "Property Colour not found in type C_PurchaseOrderFsType",
        );
        check(
            "purchaseorder eq '1'",
            "Property purchaseorder not found in type C_PurchaseOrderFsType",
        );
        check(
            "PurchaseOrder eq 4500000520",
            "Invalid comparison at position 14 of $filter: Edm.String with number",
        );
        check(
            "PurchaseOrderDate ge '2025-08-01'",
            "Invalid comparison at position 18 of $filter: Edm.DateTime with Edm.String",
        );
        check(
            "PurchaseOrderDate ge datetime'2025-08-01'",
            "Invalid literal datetime'2025-08-01' at position 21 of $filter",
        );
        check(
            "PurchaseOrder eq 'a",
            "Unterminated string literal at position 17",
        );
        check(
            "PurchaseOrder eq 'a' 'b'",
            "Unexpected text at position 21 of $filter",
        );
        check(
            "(PurchaseOrder eq 'a'",
            "Expected ')' at position 21 of $filter",
        );
        check(
            "PurchaseOrder eq \"a\"",
            "Invalid character '\"' at position 17 of $filter",
        );
        check(
            "PurchaseOrder and Supplier",
            "'and' needs Edm.Boolean, not Edm.String",
        );
        check("not Supplier", "'not' needs Edm.Boolean, not Edm.String");
        check(
            "startswith(Supplier)",
            "Function startswith takes 2 arguments",
        );
        check(
            "startswith(Supplier,1)",
            "Function startswith takes Edm.String, not number",
        );
        check(
            "PurchaseOrderNetAmount gt 1.2.3",
            "Invalid number '1.2.3' at position 26 of $filter",
        );
        check(
            "replace(Supplier,'a','b') eq 'c'",
            "the SAP emulator does not implement function replace in $filter",
        );
        check(
            "contains(Supplier,'a')",
            "the SAP emulator does not implement function contains in $filter",
        );
        check(
            "PurchaseOrderNetAmount add 1 gt 2",
            "the SAP emulator does not implement operator add in $filter",
        );
        check(
            "to_Supplier/Country eq 'US'",
            "the SAP emulator does not implement navigation path to_Supplier/Country in $filter",
        );
        check(
            "Supplier eq guid'x'",
            "the SAP emulator does not implement literals of type guid",
        );
        let deep = format!("{}true{}", "(".repeat(1_000), ")".repeat(1_000));
        check(&deep, "$filter is nested more than 64 levels deep");
    }

    #[test]
    fn a_long_or_chain_is_no_deep_recursion() {
        let filter = vec!["PurchaseOrder eq '4500000520'"; 5_000].join(" or ");
        assert_eq!(matching("I_PurchaseOrder", &filter), Ok(1));
    }

    #[test]
    fn the_order_number_is_found_for_the_index() {
        let check = |filter: &str, expected: Option<&str>| {
            let set = SERVICES[0].set("I_PurchaseOrderItem").unwrap();
            assert_eq!(
                Filter::parse(filter, set)
                    .unwrap()
                    .required_text("PurchaseOrder"),
                expected,
                "{filter}"
            );
        };
        check("PurchaseOrder eq '1'", Some("1"));
        check("IsReturnsItem eq true and '1' eq PurchaseOrder", Some("1"));
        check("PurchaseOrder eq '1' or PurchaseOrder eq '2'", None);
        check("not (PurchaseOrder eq '1')", None);
        check("PurchaseOrder ne '1'", None);
    }
}
