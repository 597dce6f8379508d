//! Tokens of a dump with a place to read from. Knows parentheses and commas, and no SQL.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Tokens with a place to read from.
pub(super) struct Cursor<'t> {
    pub(super) tokens: &'t [TokenWithSpan],
}

impl<'t> Cursor<'t> {
    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.first().map(|token| &token.token)
    }

    pub(super) fn line(&self) -> u64 {
        self.tokens.first().map_or(0, |token| token.span.start.line)
    }

    pub(super) fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(&first.token)
    }

    /// The next token if it is one of these words, unquoted, in any case.
    pub(super) fn take_word(&mut self, words: &[&str]) -> Option<String> {
        match self.peek()? {
            Token::Word(word) if word.quote_style.is_none() => {
                let upper = word.value.to_uppercase();
                words.contains(&upper.as_str()).then(|| {
                    self.next();
                    upper
                })
            }
            _ => None,
        }
    }

    pub(super) fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.next();
        }
        found
    }

    /// The tokens within the parentheses that open here. None when none open or they are never
    /// closed.
    pub(super) fn parenthesised(&mut self) -> Option<Cursor<'t>> {
        if self.peek() != Some(&Token::LParen) {
            return None;
        }
        let mut depth = 0usize;
        for (index, token) in self.tokens.iter().enumerate() {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => {
                    depth -= 1;
                    if depth == 0 {
                        let inner = Cursor { tokens: &self.tokens[1..index] };
                        self.tokens = &self.tokens[index + 1..];
                        return Some(inner);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Splits at the commas outside of parentheses.
    pub(super) fn elements(&self) -> Vec<Cursor<'t>> {
        let mut elements = Vec::new();
        let mut depth = 0usize;
        let mut start = 0;
        for (index, token) in self.tokens.iter().enumerate() {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                Token::Comma if depth == 0 => {
                    elements.push(Cursor { tokens: &self.tokens[start..index] });
                    start = index + 1;
                }
                _ => {}
            }
        }
        elements.push(Cursor { tokens: &self.tokens[start..] });
        elements
    }
}
