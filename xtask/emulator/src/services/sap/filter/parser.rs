//! From words to a checked expression: precedence `or` < `and` < comparison < `not`.

use super::{
    Expression, Operator,
    function::Function,
    lexer::{self, Token},
};
use crate::services::sap::{
    entities::EntitySet,
    errors::ODataError,
    value::{Kind, Value},
};

/// Deeper nesting than any client writes; it keeps the recursion off the end of the stack.
const MAX_DEPTH: usize = 64;

/// Arithmetic is valid OData, but nothing asks for it.
const ARITHMETIC: [&str; 5] = ["add", "sub", "mul", "div", "mod"];

pub(super) fn parse(text: &str, set: &'static EntitySet) -> Result<Expression, ODataError> {
    let mut parser = Parser {
        tokens: lexer::tokens(text)?,
        next: 0,
        depth: 0,
        end: text.len(),
        set,
    };
    let expression = parser.disjunction()?;
    if let Some((at, token)) = parser.tokens.get(parser.next) {
        if let Token::Word(word) = token
            && ARITHMETIC.contains(&word.as_str())
        {
            return Err(ODataError::NotImplemented(format!(
                "operator {word} in $filter"
            )));
        }
        return Err(ODataError::Invalid(format!(
            "Unexpected text at position {at} of $filter"
        )));
    }
    parser.expect_boolean(&expression, "$filter")?;
    Ok(expression)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
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

    fn expect_boolean(&self, expression: &Expression, place: &str) -> Result<(), ODataError> {
        match expression.kind() {
            Kind::Boolean => Ok(()),
            kind => Err(ODataError::Invalid(format!(
                "{place} needs Edm.Boolean, not {}",
                kind.name()
            ))),
        }
    }

    fn disjunction(&mut self) -> Result<Expression, ODataError> {
        self.chain("or", Self::conjunction, Expression::Or)
    }

    fn conjunction(&mut self) -> Result<Expression, ODataError> {
        self.chain("and", Self::comparison, Expression::And)
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
            self.expect_boolean(operand, &format!("'{word}'"))?;
        }
        Ok(make(operands))
    }

    fn comparison(&mut self) -> Result<Expression, ODataError> {
        let left = self.unary()?;
        let Some((at, Token::Word(word))) = self.tokens.get(self.next) else {
            return Ok(left);
        };
        let (at, Some(operator)) = (*at, Operator::from_word(word)) else {
            return Ok(left);
        };
        self.next += 1;
        let right = self.unary()?;
        let (left_kind, right_kind) = (left.kind(), right.kind());
        if !left_kind.comparable_with(right_kind) {
            return Err(ODataError::Invalid(format!(
                "Invalid comparison at position {at} of $filter: {} with {}",
                left_kind.name(),
                right_kind.name()
            )));
        }
        Ok(Expression::Compare(
            operator,
            Box::new(left),
            Box::new(right),
        ))
    }

    fn unary(&mut self) -> Result<Expression, ODataError> {
        if self.depth >= MAX_DEPTH {
            return Err(ODataError::Invalid(format!(
                "$filter is nested more than {MAX_DEPTH} levels deep"
            )));
        }
        self.depth += 1;
        let expression = if self.take_word("not") {
            let operand = self.unary()?;
            self.expect_boolean(&operand, "'not'")?;
            Expression::Not(Box::new(operand))
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
            Token::Literal(value) => Ok(Expression::Literal(value)),
            Token::Word(word) if self.take(&Token::Open) => self.call(&word),
            Token::Word(word) if word.contains('/') => Err(ODataError::NotImplemented(format!(
                "navigation path {word} in $filter"
            ))),
            Token::Word(word) => match self.set.property(&word) {
                Some(property) => Ok(Expression::Property(property)),
                None => Err(self.set.unknown_property(&word)),
            },
            Token::Open | Token::Close | Token::Comma => Err(ODataError::Invalid(format!(
                "Expected an operand at position {at} of $filter"
            ))),
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
            // The parts of a date exist for both of its types.
            let fits = argument.kind() == *wanted
                || (*wanted == Kind::DateTime && argument.kind() == Kind::DateTimeOffset)
                || matches!(argument, Expression::Literal(Value::Null));
            if !fits {
                return Err(ODataError::Invalid(format!(
                    "Function {name} takes {}, not {}",
                    wanted.name(),
                    argument.kind().name()
                )));
            }
        }
        Ok(Expression::Call(function, arguments))
    }
}
