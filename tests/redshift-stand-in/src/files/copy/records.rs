//! Records of delimited, CSV and fixed-width files ("Data format parameters", "Data conversion parameters").
//!
//! Invariant: a record's fields are as they stand in the file, without quotes and escapes; what they mean is decided elsewhere.

use redshift_sql::statement::files::{Copy, CopyFormat};

use super::fault::Fault;

/// A field of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) bytes: Vec<u8>,
    /// It is the null string before its escapes were undone.
    pub(super) null: bool,
}

/// A line, or what stands for one.
#[derive(Debug)]
pub(super) struct Record {
    /// Counted from 1.
    pub(super) line: i64,
    pub(super) raw: Vec<u8>,
    pub(super) fields: Result<Vec<Field>, Fault>,
}

/// All records of a file behind its header.
pub(super) fn read(text: &[u8], copy: &Copy) -> Vec<Record> {
    let null = copy.conversion.null_as.as_bytes();
    let records = match &copy.format {
        CopyFormat::Csv { delimiter, quote } => csv(text, delimiter.as_bytes(), *quote, null),
        CopyFormat::Delimited { delimiter, escape, remove_quotes } => {
            let split = |line: &[u8]| delimited(line, delimiter.as_bytes(), *escape, *remove_quotes, null);
            lines(text, *escape).map(|(line, raw)| Record { line, raw: raw.to_vec(), fields: split(raw) }).collect()
        }
        CopyFormat::FixedWidth(widths) => lines(text, false)
            .map(|(line, raw)| Record { line, raw: raw.to_vec(), fields: fixed(raw, widths, null) })
            .collect(),
        CopyFormat::Json(_) => Vec::new(),
    };
    let header = usize::try_from(copy.ignore_header).unwrap_or(usize::MAX);
    records.into_iter().skip(header).filter(|r| !(copy.ignore_blank_lines && r.raw.is_empty())).collect()
}

/// Lines with their numbers; an escaped line feed does not end one. A null character ends the record, not the line ("NULL AS").
fn lines(text: &[u8], escape: bool) -> impl Iterator<Item = (i64, &[u8])> {
    let (mut rest, mut number) = (text, 1);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (mut end, mut feeds) = (0, 0);
        while end < rest.len() && rest[end] != b'\n' {
            if escape && rest[end] == b'\\' && end + 1 < rest.len() {
                end += 1;
                feeds += i64::from(rest[end] == b'\n');
            }
            end += 1;
        }
        let line = rest[..end.min(rest.len())].strip_suffix(b"\r").unwrap_or(&rest[..end.min(rest.len())]);
        let at = number;
        number += feeds + 1;
        rest = rest.get(end + 1..).unwrap_or_default();
        Some((at, line))
    })
}

fn delimited(line: &[u8], delimiter: &[u8], escape: bool, quotes: bool, null: &[u8]) -> Result<Vec<Field>, Fault> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (mut bytes, mut at) = (Vec::new(), 0);
        let quote = rest.first().copied().filter(|b| quotes && matches!(b, b'"' | b'\''));
        if quote.is_some() {
            at = 1;
        }
        let mut open = quote.is_some();
        while at < rest.len() && (open || !rest[at..].starts_with(delimiter)) {
            if escape && rest[at] == b'\\' && at + 1 < rest.len() {
                at += 1;
            } else if open && Some(rest[at]) == quote && ends_here(&rest[at + 1..], delimiter) {
                open = false;
                at += 1;
                continue;
            }
            bytes.push(rest[at]);
            at += 1;
        }
        if open {
            // "REMOVEQUOTES": a quotation mark that opens and does not close.
            return Err(Fault::line("Quotation mark without a corresponding ending mark"));
        }
        let raw = &rest[..at];
        fields.push(Field { null: raw == null || bytes == null, bytes });
        match rest.get(at + delimiter.len()..) {
            Some(more) if at < rest.len() => rest = more,
            _ => return Ok(fields),
        }
    }
}

fn ends_here(rest: &[u8], delimiter: &[u8]) -> bool {
    rest.is_empty() || rest.starts_with(delimiter)
}

/// Widths are characters, not bytes ("ENCODING").
fn fixed(line: &[u8], widths: &[usize], null: &[u8]) -> Result<Vec<Field>, Fault> {
    let text = std::str::from_utf8(line).map_err(|_| Fault::utf8())?;
    let mut rest = text.chars();
    let mut fields = Vec::new();
    for width in widths {
        let bytes = rest.by_ref().take(*width).collect::<String>().into_bytes();
        if bytes.is_empty() {
            return Ok(fields);
        }
        fields.push(Field { null: bytes == null, bytes });
    }
    if rest.next().is_some() { Err(Fault::extra_columns()) } else { Ok(fields) }
}

/// White space between delimiters and quotes is nothing, unless it is the delimiter ("CSV").
fn csv(text: &[u8], delimiter: &[u8], quote: u8, null: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    let (mut at, mut line) = (0, 1);
    let blank = |at: usize| matches!(text[at], b' ' | b'\t') && !text[at..].starts_with(delimiter);
    let ends = |at: usize| at >= text.len() || text[at] == b'\n' || text[at..].starts_with(b"\r\n");
    while at < text.len() {
        let (start, first_line) = (at, line);
        let mut fields = Vec::new();
        let mut fault = None;
        loop {
            let mut inside = at;
            while inside < text.len() && blank(inside) {
                inside += 1;
            }
            let mut bytes = Vec::new();
            let quoted = text.get(inside) == Some(&quote);
            if quoted {
                at = inside + 1;
                let mut closed = false;
                while at < text.len() && !closed {
                    if text[at] == quote && text.get(at + 1) == Some(&quote) {
                        bytes.push(quote);
                        at += 2;
                    } else if text[at] == quote {
                        closed = true;
                        at += 1;
                    } else {
                        line += i64::from(text[at] == b'\n');
                        bytes.push(text[at]);
                        at += 1;
                    }
                }
                while at < text.len() && blank(at) {
                    at += 1;
                }
                if !closed || !(ends(at) || text[at..].starts_with(delimiter)) {
                    fault = Some(Fault::line("Invalid quote formatting for CSV"));
                }
            }
            while !ends(at) && !text[at..].starts_with(delimiter) {
                if !quoted {
                    bytes.push(text[at]);
                }
                at += 1;
            }
            fields.push(Field { null: bytes == null, bytes });
            if ends(at) {
                break;
            }
            at += delimiter.len();
        }
        let raw = text[start..at].to_vec();
        records.push(Record { line: first_line, raw, fields: fault.map_or(Ok(fields), Err) });
        at += if text.get(at) == Some(&b'\r') { 2 } else { 1 };
        line += 1;
    }
    records
}
