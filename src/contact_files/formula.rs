//! Cells that a spreadsheet would run.

/// What begins a formula, or has what follows begin one (OWASP, CSV injection): spreadsheets of some countries take the
/// wide forms for the plain ones.
const BEGINNINGS: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// A cell that no spreadsheet takes for a formula.
pub fn harmless(text: &str) -> String {
    if text.starts_with(BEGINNINGS) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn whatever_may_begin_a_formula_has_an_apostrophe_before_it_and_nothing_else_has() {
        for cell in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\u{ff1d}1",
            "\u{ff0b}1",
            "\u{ff0d}1",
            "\u{ff20}a",
        ] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        for cell in ["", "1", "a=1", " well", "\u{e4}"] {
            assert_eq!(harmless(cell), cell);
        }
    }
}
