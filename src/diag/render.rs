//! Renderers: for terminals (excerpt, caret, hint) and as JSON.
