//! Headers of cards and decks: comments with fixed keys.
//!
//! ```text
//! card:  * device: ...   * source: ...   * given: ...   * chosen: ...
//!        * fit: ferrospice fit DECK --vary CARD:P=LO:HI ...     or     * fit: none; how the values follow
//! deck:  title   * Purpose: ...   * Rows: R0 E6, R0 V3   * Card: NAME
//!        * Figure: what, value -> check NAME[, NAME]     * Figure: what, value -> not checked: why
//! ```
//! A comment that begins with blanks after the star goes on with the one before.

/// A published device: parameters of a family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Card {
    pub name: String,
    /// The family.
    pub model: String,
    pub device: String,
    pub source: String,
    pub given: String,
    pub chosen: String,
    /// The command that finds the fitted values, or `none` and why there are none.
    pub fit: String,
}

/// What became of a figure that a publication gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Names of the `.check` cards that hold it.
    Checked(Vec<String>),
    /// Why there is none.
    NotChecked(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub what: String,
    pub outcome: Outcome,
}

/// A deck that reproduces figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deck {
    pub name: String,
    pub title: String,
    pub purpose: String,
    /// Rows of the reviews: `R0 E6`.
    pub rows: Vec<String>,
    pub cards: Vec<String>,
    pub figures: Vec<Figure>,
    /// Names of its `.check` cards, in lower case.
    pub checks: Vec<String>,
}

/// Keys in lower case and texts of a file's comments.
fn entries(text: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = vec![];
    let mut is_open = false;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix('*') else {
            is_open = false;
            continue;
        };
        let key = rest.split_once(':').map(|(k, v)| (k.trim().to_lowercase(), v.trim()));
        match key {
            Some((k, v)) if KEYS.contains(&k.as_str()) => {
                out.push((k, v.to_string()));
                is_open = true;
            }
            _ if is_open && rest.starts_with("  ") => {
                if let Some((_, v)) = out.last_mut() {
                    v.push(' ');
                    v.push_str(rest.trim());
                }
            }
            _ => is_open = false,
        }
    }
    out
}

const KEYS: &[&str] = &["device", "source", "given", "chosen", "fit", "purpose", "rows", "card", "cards", "figure"];

fn list(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|w| w.trim().to_string()).filter(|w| !w.is_empty())
}

impl Card {
    pub fn parse(name: &str, text: &str) -> Card {
        let mut card = Card { name: name.into(), ..Card::default() };
        for (key, value) in entries(text) {
            let slot = match key.as_str() {
                "device" => &mut card.device,
                "source" => &mut card.source,
                "given" => &mut card.given,
                "chosen" => &mut card.chosen,
                "fit" => &mut card.fit,
                _ => continue,
            };
            if !slot.is_empty() {
                slot.push(' ');
            }
            slot.push_str(&value);
        }
        let of_model = |l: &str| -> Option<String> {
            let mut words = l.split(|c: char| c.is_whitespace() || c == '(').filter(|w| !w.is_empty());
            let is_card = words.next()?.eq_ignore_ascii_case(".model") && words.next()?.eq_ignore_ascii_case(name);
            is_card.then(|| words.next().map(str::to_lowercase))?
        };
        card.model = text.lines().find_map(of_model).unwrap_or_default();
        card
    }
}

impl Deck {
    pub fn parse(name: &str, text: &str) -> Deck {
        let mut deck = Deck { name: name.into(), ..Deck::default() };
        deck.title = text.lines().next().unwrap_or("").trim_start_matches('*').trim().to_string();
        for (key, value) in entries(text) {
            match key.as_str() {
                "purpose" => deck.purpose = value,
                "rows" => deck.rows.extend(list(&value)),
                "card" | "cards" => deck.cards.extend(list(&value)),
                "figure" => deck.figures.push(Figure::parse(&value)),
                _ => {}
            }
        }
        let check = |l: &str| {
            let mut words = l.split_whitespace();
            words.next()?.eq_ignore_ascii_case(".check").then(|| words.next().map(str::to_lowercase))?
        };
        deck.checks = text.lines().filter_map(check).collect();
        deck
    }

    /// Figures that a check holds, and all.
    pub fn score(&self) -> (usize, usize) {
        let held = self.figures.iter().filter(|f| matches!(f.outcome, Outcome::Checked(_))).count();
        (held, self.figures.len())
    }
}

impl Figure {
    fn parse(text: &str) -> Figure {
        let (what, outcome) = text.rsplit_once("->").unwrap_or((text, ""));
        let outcome = outcome.trim();
        let outcome = match outcome.strip_prefix("check").filter(|r| r.starts_with([' ', 's'])) {
            Some(names) => Outcome::Checked(
                names
                    .trim_start_matches('s')
                    .split([',', ' '])
                    .map(|w| w.trim().to_lowercase())
                    .filter(|w| !w.is_empty() && w != "and")
                    .collect(),
            ),
            None => Outcome::NotChecked(
                outcome.trim_start_matches("not checked").trim_start_matches(':').trim().to_string(),
            ),
        };
        Figure { what: what.trim().to_string(), outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_has_a_header_and_a_family() {
        let text = "* device: Au/CIPS/Ti\n*   lateral\n* source: A. Author, 2020\n.hdl \"ferroionic.va\"\n.model  my_card ferroionic(a=1)\n";
        let c = Card::parse("my_card", text);
        assert_eq!((c.device.as_str(), c.source.as_str()), ("Au/CIPS/Ti lateral", "A. Author, 2020"));
        assert_eq!(c.model, "ferroionic");
    }

    #[test]
    fn a_deck_accounts_for_its_figures() {
        let text = "Title\n* Purpose: shows it\n* Rows: R0 E6, R0 V3\n* Card: x\n* Figure: window 2 V -> check window, up\n\
                    * Figure: 1e4 cycles -> not checked: outside a circuit simulator\n.check window w > 1\n.check up u > 1\n";
        let d = Deck::parse("d", text);
        assert_eq!((d.title.as_str(), d.purpose.as_str()), ("Title", "shows it"));
        assert_eq!(d.rows, ["R0 E6", "R0 V3"]);
        assert_eq!(d.figures[0].outcome, Outcome::Checked(vec!["window".into(), "up".into()]));
        assert_eq!(d.figures[1].outcome, Outcome::NotChecked("outside a circuit simulator".into()));
        assert_eq!((d.score(), d.checks.len()), ((1, 2), 2));
    }
}
