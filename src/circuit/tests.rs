//! Decks through parser and elaboration.
