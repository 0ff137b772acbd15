//! `$filter`: the OData v2 expression grammar, checked against the entity type before any row is read.
//!
//! All operators, all types of literals and the functions of [`Function`]; what is missing of the standard (paths over
//! navigations, `isof`, `cast`) is answered with 501 and its name. The standard leaves open what null does: here it
//! makes the result of arithmetic and of functions null, as a division by zero does, and null is not true.

use rust_decimal::Decimal;

use super::{
    entities::{EntitySet, Property, Row},
    errors::ODataError,
    value::{Kind, Value},
};

mod function;
#[cfg(test)]
mod fuzz;
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
    Literal(Value<'static>, Kind),
    Property(&'static Property),
    Not(Box<Expression>),
    Negate(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// The first operand, and what is done to it step by step.
    Calculate(Box<Expression>, Vec<(Arithmetic, Expression)>),
    Call(Function, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Comparison {
    fn equality(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Comparison::Eq,
            "ne" => Comparison::Ne,
            _ => return None,
        })
    }

    fn relation(word: &str) -> Option<Self> {
        Some(match word {
            "gt" => Comparison::Gt,
            "ge" => Comparison::Ge,
            "lt" => Comparison::Lt,
            "le" => Comparison::Le,
            _ => return None,
        })
    }

    /// Null equals null alone, and is neither less nor greater than anything.
    fn holds(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        let has_null = matches!(left, Value::Null) || matches!(right, Value::Null);
        let ordering = left.order(right);
        match self {
            Comparison::Eq => ordering.is_eq(),
            Comparison::Ne => ordering.is_ne(),
            _ if has_null => false,
            Comparison::Gt => ordering.is_gt(),
            Comparison::Ge => ordering.is_ge(),
            Comparison::Lt => ordering.is_lt(),
            Comparison::Le => ordering.is_le(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
}

impl Arithmetic {
    fn sum(word: &str) -> Option<Self> {
        Some(match word {
            "add" => Arithmetic::Add,
            "sub" => Arithmetic::Sub,
            _ => return None,
        })
    }

    fn product(word: &str) -> Option<Self> {
        Some(match word {
            "mul" => Arithmetic::Mul,
            "div" => Arithmetic::Div,
            "mod" => Arithmetic::Mod,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Arithmetic::Add => "add",
            Arithmetic::Sub => "sub",
            Arithmetic::Mul => "mul",
            Arithmetic::Div => "div",
            Arithmetic::Mod => "mod",
        }
    }

    /// None on a division by zero and on a result that no decimal holds.
    fn apply(self, left: Decimal, right: Decimal, whole: bool) -> Option<Decimal> {
        match self {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Sub => left.checked_sub(right),
            Arithmetic::Mul => left.checked_mul(right),
            Arithmetic::Div if whole => left.checked_div(right).map(|result| result.trunc()),
            Arithmetic::Div => left.checked_div(right),
            Arithmetic::Mod => left.checked_rem(right),
        }
    }
}

/// Integers stay integers among themselves.
fn promoted(left: Kind, right: Kind) -> Kind {
    if left == Kind::Integer && right == Kind::Integer {
        Kind::Integer
    } else {
        Kind::Number
    }
}

impl Expression {
    fn kind(&self) -> Kind {
        match self {
            Expression::Literal(_, kind) => *kind,
            Expression::Property(property) => property.edm.kind(),
            Expression::Not(_)
            | Expression::And(_)
            | Expression::Or(_)
            | Expression::Compare(..) => Kind::Boolean,
            Expression::Negate(operand) => operand.kind(),
            Expression::Calculate(first, steps) => {
                steps.iter().fold(first.kind(), |kind, (_, operand)| {
                    promoted(kind, operand.kind())
                })
            }
            Expression::Call(function, _) => function.result(),
        }
    }

    fn required_text(&self, name: &str) -> Option<&str> {
        match self {
            Expression::And(operands) => operands
                .iter()
                .find_map(|operand| operand.required_text(name)),
            Expression::Compare(Comparison::Eq, left, right) => match (&**left, &**right) {
                (Expression::Property(property), Expression::Literal(Value::Text(text), _))
                | (Expression::Literal(Value::Text(text), _), Expression::Property(property))
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
            Expression::Literal(value, _) => value.clone(),
            Expression::Property(property) => (property.get)(row),
            Expression::Not(operand) => Value::Boolean(!operand.evaluate(row).is_true()),
            Expression::Negate(operand) => match operand.evaluate(row) {
                Value::Number(number) => Value::Number(-number),
                _ => Value::Null,
            },
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
                Value::Boolean(operator.holds(&left.evaluate(row), &right.evaluate(row)))
            }
            Expression::Calculate(first, steps) => {
                let (mut value, mut kind) = (first.evaluate(row), first.kind());
                for (operator, operand) in steps {
                    kind = promoted(kind, operand.kind());
                    let result = match (value, operand.evaluate(row)) {
                        (Value::Number(left), Value::Number(right)) => {
                            operator.apply(left, right, kind == Kind::Integer)
                        }
                        _ => None,
                    };
                    value = result.map_or(Value::Null, Value::Number);
                }
                value
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
mod tests;
