//! From words to a checked expression.
//!
//! What binds tighter stands lower: `or`, `and`, `eq ne`, `lt le gt ge`, `add sub`, `mul div mod`, `not -`.

use super::{
    Arithmetic, Comparison, Expression,
    function::Function,
    lexer::{self, Token},
};
use crate::services::sap::{entities::EntitySet, errors::ODataError, value::Kind};

/// Deeper nesting than any client writes; it keeps the recursion off the end of the stack.
const MAX_DEPTH: usize = 64;

pub(super) fn parse(text: &str, set: &'static EntitySet) -> Result<Expression, ODataError> {
    let mut parser = Parser {
        tokens: lexer::tokens(text)?,
        next: 0,
        depth: 0,
        chained: 0,
        end: text.len(),
        set,
    };
    let expression = parser.disjunction()?;
    if let Some((at, _)) = parser.tokens.get(parser.next) {
        return Err(ODataError::Invalid(format!(
            "Unexpected text at position {at} of $filter"
        )));
    }
    expect_boolean(&expression, "$filter")?;
    Ok(expression)
}

fn expect_boolean(expression: &Expression, place: &str) -> Result<(), ODataError> {
    match expression.kind() {
        Kind::Boolean => Ok(()),
        kind => Err(ODataError::Invalid(format!(
            "{place} needs Edm.Boolean, not {}",
            kind.name()
        ))),
    }
}

fn expect_numeric(expression: &Expression, place: &str) -> Result<(), ODataError> {
    let kind = expression.kind();
    if kind.is_numeric() || kind == Kind::Null {
        Ok(())
    } else {
        Err(ODataError::Invalid(format!(
            "'{place}' needs numbers, not {}",
            kind.name()
        )))
    }
}

fn within(depth: usize) -> Result<(), ODataError> {
    if depth < MAX_DEPTH {
        Ok(())
    } else {
        Err(ODataError::Invalid(format!(
            "$filter is nested more than {MAX_DEPTH} levels deep"
        )))
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    /// Operands around the one that is read.
    depth: usize,
    /// Comparisons of comparisons (`a eq b eq true`) in the whole text.
    chained: usize,
    /// Length of the text: the position at which a missing word is missed.
    end: usize,
    set: &'static EntitySet,
}

impl Parser {
    fn position(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self
            .tokens
            .get(self.next)
            .is_some_and(|(_, token)| token == wanted);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.next), Some((_, Token::Word(word))) if word == wanted);
        self.next += usize::from(found);
        found
    }

    /// The next word as an operator of that table, with its position.
    fn take_operator<T>(&mut self, from_word: fn(&str) -> Option<T>) -> Option<(usize, T)> {
        let Some((at, Token::Word(word))) = self.tokens.get(self.next) else {
            return None;
        };
        let operator = (*at, from_word(word)?);
        self.next += 1;
        Some(operator)
    }

    fn expect(&mut self, wanted: &Token, name: &str) -> Result<(), ODataError> {
        let at = self.position();
        if self.take(wanted) {
            Ok(())
        } else {
            Err(ODataError::Invalid(format!(
                "Expected {name} at position {at} of $filter"
            )))
        }
    }

    fn disjunction(&mut self) -> Result<Expression, ODataError> {
        self.chain("or", Self::conjunction, Expression::Or)
    }

    fn conjunction(&mut self) -> Result<Expression, ODataError> {
        self.chain("and", Self::equality, Expression::And)
    }

    /// One operand, or several with `word` between them. A flat list: a filter over 1,000 keys is no deep tree.
    fn chain(
        &mut self,
        word: &str,
        operand: fn(&mut Self) -> Result<Expression, ODataError>,
        make: fn(Vec<Expression>) -> Expression,
    ) -> Result<Expression, ODataError> {
        let first = operand(self)?;
        if !self.take_word(word) {
            return Ok(first);
        }
        let mut operands = vec![first];
        loop {
            operands.push(operand(self)?);
            if !self.take_word(word) {
                break;
            }
        }
        for operand in &operands {
            expect_boolean(operand, &format!("'{word}'"))?;
        }
        Ok(make(operands))
    }

    fn equality(&mut self) -> Result<Expression, ODataError> {
        self.comparisons(Comparison::equality, Self::relation)
    }

    fn relation(&mut self) -> Result<Expression, ODataError> {
        self.comparisons(Comparison::relation, Self::sum)
    }

    /// `a eq b`, and from the left on `a eq b eq true`.
    fn comparisons(
        &mut self,
        from_word: fn(&str) -> Option<Comparison>,
        operand: fn(&mut Self) -> Result<Expression, ODataError>,
    ) -> Result<Expression, ODataError> {
        let mut left = operand(self)?;
        let mut first = true;
        while let Some((at, operator)) = self.take_operator(from_word) {
            // Every further comparison is a level of the tree, too, and one that no bracket closes.
            if !first {
                self.chained += 1;
                within(self.chained)?;
            }
            first = false;
            let right = operand(self)?;
            let (left_kind, right_kind) = (left.kind(), right.kind());
            if !left_kind.comparable_with(right_kind) {
                return Err(ODataError::Invalid(format!(
                    "Invalid comparison at position {at} of $filter: {} with {}",
                    left_kind.name(),
                    right_kind.name()
                )));
            }
            left = Expression::Compare(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expression, ODataError> {
        self.calculation(Arithmetic::sum, Self::product)
    }

    fn product(&mut self) -> Result<Expression, ODataError> {
        self.calculation(Arithmetic::product, Self::unary)
    }

    /// `a add b sub c`: a flat list, worked off from the left.
    fn calculation(
        &mut self,
        from_word: fn(&str) -> Option<Arithmetic>,
        operand: fn(&mut Self) -> Result<Expression, ODataError>,
    ) -> Result<Expression, ODataError> {
        let first = operand(self)?;
        let mut steps = Vec::new();
        while let Some((_, operator)) = self.take_operator(from_word) {
            let right = operand(self)?;
            if steps.is_empty() {
                expect_numeric(&first, operator.name())?;
            }
            expect_numeric(&right, operator.name())?;
            steps.push((operator, right));
        }
        Ok(if steps.is_empty() {
            first
        } else {
            Expression::Calculate(Box::new(first), steps)
        })
    }

    fn unary(&mut self) -> Result<Expression, ODataError> {
        within(self.depth)?;
        self.depth += 1;
        let expression = if self.take_word("not") {
            let operand = self.unary()?;
            expect_boolean(&operand, "'not'")?;
            Expression::Not(Box::new(operand))
        } else if self.take(&Token::Minus) {
            let operand = self.unary()?;
            expect_numeric(&operand, "-")?;
            Expression::Negate(Box::new(operand))
        } else if self.take(&Token::Open) {
            let inner = self.disjunction()?;
            self.expect(&Token::Close, "')'")?;
            inner
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn primary(&mut self) -> Result<Expression, ODataError> {
        let at = self.position();
        let Some((_, token)) = self.tokens.get(self.next).cloned() else {
            return Err(ODataError::Invalid(format!(
                "Expected an operand at position {at} of $filter"
            )));
        };
        self.next += 1;
        match token {
            Token::Literal(value, kind) => Ok(Expression::Literal(value, kind)),
            Token::Word(word) if self.take(&Token::Open) => self.call(&word),
            Token::Word(word) if word.contains('/') => Err(ODataError::NotImplemented(format!(
                "navigation path {word} in $filter"
            ))),
            Token::Word(word) => match self.set.property(&word) {
                Some(property) if property.filterable() => Ok(Expression::Property(property)),
                Some(property) => Err(ODataError::NotFilterable {
                    property: property.name,
                    entity_type: self.set.type_name,
                }),
                None => Err(self.set.unknown_property(&word)),
            },
            Token::Open | Token::Close | Token::Comma | Token::Minus => Err(ODataError::Invalid(
                format!("Expected an operand at position {at} of $filter"),
            )),
        }
    }

    /// The arguments of a function whose name and `(` are behind us.
    fn call(&mut self, name: &str) -> Result<Expression, ODataError> {
        let Some(function) = Function::from_name(name) else {
            return Err(ODataError::NotImplemented(format!(
                "function {name} in $filter"
            )));
        };
        let mut arguments = vec![self.disjunction()?];
        while self.take(&Token::Comma) {
            arguments.push(self.disjunction()?);
        }
        self.expect(&Token::Close, &format!("')' after the arguments of {name}"))?;
        let signature = function.arguments();
        // `substring` may leave out its length.
        let optional = usize::from(function == Function::Substring);
        if arguments.len() > signature.len() || arguments.len() + optional < signature.len() {
            return Err(ODataError::Invalid(format!(
                "Function {name} takes {} arguments",
                signature.len()
            )));
        }
        for (argument, wanted) in arguments.iter().zip(signature) {
            let kind = argument.kind();
            if !(wanted.accepts(kind) || kind == Kind::Null) {
                return Err(ODataError::Invalid(format!(
                    "Function {name} takes {}, not {}",
                    wanted.name(),
                    kind.name()
                )));
            }
        }
        Ok(Expression::Call(function, arguments))
    }
}
