//! E02xx: expressions and parameters.

crate::codes! { CODES:
    EXPR_SYNTAX = "E0201", "expression cannot be read",
        "An expression in `{}` or quotes is not complete or has a character that does not belong there. \
         Operators are + - * / ** ^ % comparisons && || ! and `c ? a : b`; functions take their arguments in parentheses.";
}
