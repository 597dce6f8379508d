//! Patterns of topic names: `*` stands for any text without a dot, `**` for any text at all.

/// A topic's name or a pattern of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Any text without a dot, also none.
    Segment,
    /// Any text, also none.
    Anything,
}

impl Glob {
    /// Reads a pattern. Fails for three or more stars in a row, which mean nothing.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.contains("***") {
            return Err(format!(
                "`{text}` has three stars in a row; `*` stands for any text without a dot, `**` for any text"
            ));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("**") {
                parts.push(Part::Anything);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('*') {
                parts.push(Part::Segment);
                rest = after;
            } else {
                let end = rest.find('*').unwrap_or(rest.len());
                parts.push(Part::Text(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The pattern as written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether this is a name and no pattern.
    pub(super) fn is_exact(&self) -> bool {
        !self.text.contains('*')
    }

    /// Whether the topic's whole name fits.
    pub(super) fn matches(&self, topic: &str) -> bool {
        fits(&self.parts, topic)
    }
}

/// Tries the shortest text for each star first. Topic names have at most 249 characters and
/// patterns few stars, so the backtracking stays small.
fn fits(parts: &[Part], topic: &str) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return topic.is_empty();
    };
    match first {
        Part::Text(text) => topic.strip_prefix(text.as_str()).is_some_and(|after| fits(rest, after)),
        Part::Segment | Part::Anything => {
            let end = match first {
                Part::Segment => topic.find('.').unwrap_or(topic.len()),
                _ => topic.len(),
            };
            (0..=end).filter(|cut| topic.is_char_boundary(*cut)).any(|cut| fits(rest, &topic[cut..]))
        }
    }
}
