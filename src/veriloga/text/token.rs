//! Tokens.

use super::names::Name;
use crate::diag::Span;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tok {
    Ident(Name),
    /// `$name`, the name without the dollar.
    System(Name),
    /// `` `name ``: only before and in the preprocessor.
    Directive(Name),
    Int(i32),
    Real(f64),
    /// Contents, escapes resolved.
    Str(Name),
    P(P),
    /// Stands where a fault has been reported; fits everywhere.
    Missing,
    Eof,
}

/// Punctuation and operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum P {
    LParen,
    RParen,
    LBrack,
    RBrack,
    LBrace,
    RBrace,
    /// `'{`
    TickBrace,
    /// `(*`
    AttrOpen,
    /// `*)`
    AttrClose,
    Semi,
    Comma,
    Dot,
    Colon,
    Question,
    At,
    Hash,
    Assign,
    /// `<+`
    Contribute,
    Arrow,
    Plus,
    Minus,
    Star,
    StarStar,
    Slash,
    Percent,
    Lt,
    Le,
    Gt,
    Ge,
    EqEq,
    Ne,
    EqEqEq,
    NeEq,
    AndAnd,
    OrOr,
    Not,
    And,
    Or,
    Xor,
    Xnor,
    Nand,
    Nor,
    Tilde,
    Shl,
    Shr,
    AShl,
    AShr,
    Dollar,
}

impl P {
    pub fn text(self) -> &'static str {
        SPELLINGS.iter().find(|(_, p)| *p == self).map_or("?", |(s, _)| s)
    }
}

/// Longest first.
pub const SPELLINGS: &[(&str, P)] = &[
    ("===", P::EqEqEq),
    ("!==", P::NeEq),
    ("<<<", P::AShl),
    (">>>", P::AShr),
    ("'{", P::TickBrace),
    ("(*", P::AttrOpen),
    ("*)", P::AttrClose),
    ("<+", P::Contribute),
    ("->", P::Arrow),
    ("**", P::StarStar),
    ("<=", P::Le),
    (">=", P::Ge),
    ("==", P::EqEq),
    ("!=", P::Ne),
    ("&&", P::AndAnd),
    ("||", P::OrOr),
    ("^~", P::Xnor),
    ("~^", P::Xnor),
    ("~&", P::Nand),
    ("~|", P::Nor),
    ("<<", P::Shl),
    (">>", P::Shr),
    ("(", P::LParen),
    (")", P::RParen),
    ("[", P::LBrack),
    ("]", P::RBrack),
    ("{", P::LBrace),
    ("}", P::RBrace),
    (";", P::Semi),
    (",", P::Comma),
    (".", P::Dot),
    (":", P::Colon),
    ("?", P::Question),
    ("@", P::At),
    ("#", P::Hash),
    ("=", P::Assign),
    ("+", P::Plus),
    ("-", P::Minus),
    ("*", P::Star),
    ("/", P::Slash),
    ("%", P::Percent),
    ("<", P::Lt),
    (">", P::Gt),
    ("!", P::Not),
    ("&", P::And),
    ("|", P::Or),
    ("^", P::Xor),
    ("~", P::Tilde),
    ("$", P::Dollar),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    pub tok: Tok,
    pub span: Span,
}
