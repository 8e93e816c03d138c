//! Tokens of an expression, with nom.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::{map, recognize, value};
use nom::sequence::{delimited, pair};
use nom::{IResult, Parser};

use super::ast::BinaryOp;
use crate::base::units::parse_number;

/// One token, borrowing the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    /// `2k2`: `plain` is the value with everything after the suffix ignored, `rkm` the value in the notation of
    /// IEC 60062 (the suffix is the decimal point).
    Rkm {
        plain: f64,
        rkm: f64,
    },
    Name(&'a str),
    Op(BinaryOp),
    Not,
    Open,
    Close,
    Comma,
    Question,
    Colon,
    End,
    /// A number with something behind it that is no unit, such as `1.2.3`.
    BadNumber(&'a str),
    /// A character that no expression has.
    Bad(char),
}

/// Blanks between tokens; line ends too, because an expression may go on over `+` lines.
pub(super) fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n', '\u{a0}'])
}

/// The next token and the text behind it.
pub(super) fn token(text: &str) -> (Token<'_>, &str) {
    let text = skip_blanks(text);
    if text.is_empty() {
        return (Token::End, text);
    }
    match alt((number, name, operator, punctuation)).parse(text) {
        Ok((rest, t)) => (t, rest),
        Err(_) => {
            let c = text.chars().next().unwrap_or('?');
            (Token::Bad(c), &text[c.len_utf8()..])
        }
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '$')
}

pub(super) fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '#' | '$')
}

/// `r1`, `x1.vth`, `@m1[gm]`.
fn name(text: &str) -> IResult<&str, Token<'_>> {
    let plain = recognize(pair(satisfy(is_name_start), take_while(is_name_char)));
    let inner = delimited(char('['), take_till(|c| c == ']'), char(']'));
    let result = recognize((char('@'), take_while1(|c: char| is_name_char(c) || c == ':'), inner));
    map(alt((result, plain)), Token::Name).parse(text)
}

fn number(text: &str) -> IResult<&str, Token<'_>> {
    let no_number = || nom::Err::Error(nom::error::Error::new(text, nom::error::ErrorKind::Digit));
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(no_number());
    }
    // A sign belongs to the number behind the letter of an exponent only; `%` is an operator here, not a unit.
    let mut last = ' ';
    let ends = |c: char| {
        let goes_on = is_name_char(c) || matches!((last, c), ('e' | 'E', '+' | '-'));
        last = c;
        !goes_on
    };
    let word = &text[..text.find(ends).unwrap_or(text.len())];
    let n = parse_number(word).ok_or_else(no_number)?;
    let tail = &word[n.len..];
    let junk = tail.find(|c: char| !is_name_char(c)).unwrap_or(tail.len());
    let rest = &text[n.len + junk..];
    if junk == 0 {
        return Ok((rest, Token::Number(n.value)));
    }
    let whole = &text[..n.len + junk];
    Ok((rest, rkm(whole).map_or(Token::BadNumber(whole), |rkm| Token::Rkm { plain: n.value, rkm })))
}

/// The value of `2k2`, `4u7`, `1meg5`: a suffix in place of the decimal point.
pub fn rkm(word: &str) -> Option<f64> {
    let head = word.find(|c: char| !c.is_ascii_digit())?;
    let tail = word[head..].find(|c: char| c.is_ascii_digit())? + head;
    let frac = word[tail..].find(|c: char| !c.is_ascii_digit()).map_or(word.len(), |i| tail + i);
    let suffix = &word[head..tail];
    let known = matches!(
        suffix.to_ascii_lowercase().as_str(),
        "t" | "g" | "meg" | "k" | "r" | "m" | "u" | "µ" | "μ" | "n" | "p" | "f"
    );
    if head == 0 || !known || !word[frac..].chars().all(char::is_alphabetic) {
        return None;
    }
    let suffix = if suffix.eq_ignore_ascii_case("r") { "" } else { suffix };
    parse_number(&format!("{}.{}{suffix}", &word[..head], &word[tail..frac])).map(|n| n.value)
}

fn operator(text: &str) -> IResult<&str, Token<'_>> {
    let two = alt((
        value(BinaryOp::Pow, tag("**")),
        value(BinaryOp::Le, tag("<=")),
        value(BinaryOp::Ge, tag(">=")),
        value(BinaryOp::Eq, tag("==")),
        value(BinaryOp::Ne, alt((tag("!="), tag("<>")))),
        value(BinaryOp::And, tag("&&")),
        value(BinaryOp::Or, tag("||")),
    ));
    let one = alt((
        value(BinaryOp::Add, char('+')),
        value(BinaryOp::Sub, char('-')),
        value(BinaryOp::Mul, char('*')),
        value(BinaryOp::Div, char('/')),
        value(BinaryOp::Rem, char('%')),
        value(BinaryOp::Pow, char('^')),
        value(BinaryOp::Lt, char('<')),
        value(BinaryOp::Gt, char('>')),
        value(BinaryOp::And, char('&')),
        value(BinaryOp::Or, char('|')),
    ));
    map(alt((two, one)), Token::Op).parse(text)
}

fn punctuation(text: &str) -> IResult<&str, Token<'_>> {
    alt((
        value(Token::Not, alt((char('!'), char('~')))),
        value(Token::Open, alt((char('('), char('{')))),
        value(Token::Close, alt((char(')'), char('}')))),
        value(Token::Comma, char(',')),
        value(Token::Question, char('?')),
        value(Token::Colon, char(':')),
    ))
    .parse(text)
}

/// A node or element name inside `v(...)`: anything up to a comma or the closing parenthesis. Brackets and
/// parentheses inside pair up, so that bus bits and `v(a(0))` read whole.
pub(super) fn raw_name(text: &str) -> (&str, &str) {
    let mut depth = 0usize;
    let mut end = text.len();
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ',' if depth == 0 => {
                end = i;
                break;
            }
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (&text[..end], &text[end..])
}
