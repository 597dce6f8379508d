//! COPY (Redshift Database Developer Guide, "COPY").

use super::{Given, delimiter, widths};
use crate::error::SqlError;
use crate::parser::{Parsed, Parser};
use crate::statement::Statement;
use crate::statement::files::{Compression, Conversion, Copy, CopyFormat, Encoding, JsonMapping, MomentFormat};

/// "MAXERROR".
const MAX_ERRORS: u64 = 100_000;

/// What the guide does not let stand together ("Data format parameters", "Data conversion parameters", "Data load operations").
const CLASHES: &[(&str, &str)] = &[
    ("CSV", "FIXEDWIDTH"),
    ("CSV", "REMOVEQUOTES"),
    ("CSV", "ESCAPE"),
    ("CSV", "JSON"),
    ("DELIMITER", "FIXEDWIDTH"),
    ("DELIMITER", "JSON"),
    ("FIXEDWIDTH", "JSON"),
    ("ESCAPE", "FIXEDWIDTH"),
    ("ESCAPE", "JSON"),
    ("REMOVEQUOTES", "JSON"),
    ("FILLRECORD", "JSON"),
    ("MAXERROR", "IGNOREALLERRORS"),
];

/// Options as they come.
#[derive(Default)]
struct Options {
    given: Given,
    authorized: bool,
    delimiter: Option<String>,
    quote: Option<u8>,
    widths: Vec<usize>,
    json: Option<JsonMapping>,
}

impl Parser<'_> {
    pub(in crate::parser) fn copy(&mut self) -> Parsed<Statement> {
        self.expect_word("COPY")?;
        let table = self.object_name()?;
        let columns = if self.is_symbol("(") { self.name_list()? } else { Vec::new() };
        self.expect_word("FROM")?;
        let source = self.raw_string()?;
        if !source.starts_with("s3://") {
            let kind = source.split("://").next().unwrap_or_default();
            return self.refuse(SqlError::not_in_stand_in(&format!("COPY from {kind}")));
        }
        let mut copy = Copy {
            table,
            columns,
            source,
            manifest: false,
            format: CopyFormat::Json(JsonMapping::Whole),
            compression: Compression::None,
            encoding: Encoding::Utf8,
            conversion: Conversion {
                null_as: "\\N".to_owned(),
                empty_as_null: false,
                blanks_as_null: false,
                trim_blanks: false,
                truncate_columns: false,
                round_decimals: false,
                accept_any_date: false,
                replacement: None,
                date: MomentFormat::Default,
                time: MomentFormat::Default,
            },
            ignore_header: 0,
            ignore_blank_lines: false,
            fill_record: false,
            explicit_ids: false,
            max_error: Some(0),
            no_load: false,
        };
        let mut options = Options::default();
        while !self.at_end() && !self.is_symbol(";") {
            self.copy_option(&mut copy, &mut options)?;
            self.eat_symbol(",");
        }
        if !options.authorized {
            return Err(SqlError::syntax("COPY needs authorization: IAM_ROLE, CREDENTIALS or ACCESS_KEY_ID"));
        }
        let given = &options.given;
        given.clash(CLASHES)?;
        if given.has("QUOTE") && !given.has("CSV") {
            return Err(SqlError::new("0A000", "QUOTE can be used only with CSV"));
        }
        copy.format = if let Some(json) = options.json {
            CopyFormat::Json(json)
        } else if given.has("FIXEDWIDTH") {
            CopyFormat::FixedWidth(options.widths)
        } else if given.has("CSV") {
            CopyFormat::Csv {
                delimiter: options.delimiter.unwrap_or_else(|| ",".to_owned()),
                quote: options.quote.unwrap_or(b'"'),
            }
        } else {
            CopyFormat::Delimited {
                delimiter: options.delimiter.unwrap_or_else(|| "|".to_owned()),
                escape: given.has("ESCAPE"),
                remove_quotes: given.has("REMOVEQUOTES"),
            }
        };
        Ok(Statement::Copy(copy))
    }

    /// One option.
    fn copy_option(&mut self, copy: &mut Copy, options: &mut Options) -> Parsed<()> {
        if self.authorization()? {
            options.authorized = true;
            return Ok(());
        }
        if self.eat_word("FORMAT") {
            self.eat_word("AS");
        }
        if let Some(compression) = self.compression(&mut options.given)? {
            copy.compression = compression;
            return Ok(());
        }
        if self.common_option(&mut options.given)? {
            return Ok(());
        }
        let Some(word) = self.keyword() else { return Err(self.unexpected()) };
        if self.format_option(&word, options)?
            || self.conversion_option(&word, &mut copy.conversion, options)?
            || self.load_option(&word, copy, options)?
        {
            return Ok(());
        }
        if ["SSH", "READRATIO", "SHAPEFILE", "SERIALIZETOJSON", "RCFILE", "SEQUENCEFILE"].contains(&word.as_str()) {
            return self.refuse(SqlError::not_in_stand_in(&word));
        }
        Err(self.unexpected())
    }

    /// "Data format parameters".
    fn format_option(&mut self, word: &str, options: &mut Options) -> Parsed<bool> {
        match word {
            "CSV" => {
                self.advance();
                options.given.add("CSV")?;
            }
            "QUOTE" => {
                self.advance();
                options.given.add("QUOTE")?;
                let quote = self.as_string()?;
                let [quote] = quote.as_bytes() else {
                    return Err(SqlError::syntax("QUOTE needs one ASCII character"));
                };
                options.quote = Some(*quote);
            }
            "DELIMITER" => {
                self.advance();
                options.given.add("DELIMITER")?;
                options.delimiter = Some(delimiter(&self.as_string()?)?);
            }
            "FIXEDWIDTH" => {
                self.advance();
                options.given.add("FIXEDWIDTH")?;
                options.widths = widths(&self.as_string()?)?;
            }
            "JSON" => {
                self.advance();
                options.given.add("JSON")?;
                let named = self.eat_word("AS") || matches!(self.kind(), crate::lexer::Kind::Text(_));
                let option = if named { self.raw_string()? } else { "auto".to_owned() };
                options.json = Some(match option.as_str() {
                    "auto" => JsonMapping::Auto { ignore_case: false },
                    "auto ignorecase" => JsonMapping::Auto { ignore_case: true },
                    "noshred" => JsonMapping::Whole,
                    path if path.starts_with("s3://") => JsonMapping::Paths(option),
                    _ => return Err(SqlError::syntax(format!("JSON does not know the option '{option}'"))),
                });
            }
            "ESCAPE" => {
                self.advance();
                options.given.add("ESCAPE")?;
            }
            "REMOVEQUOTES" => {
                self.advance();
                options.given.add("REMOVEQUOTES")?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// "Data conversion parameters".
    fn conversion_option(&mut self, word: &str, to: &mut Conversion, options: &mut Options) -> Parsed<bool> {
        let given = &mut options.given;
        match word {
            "NULL" => {
                self.advance();
                given.add("NULL")?;
                let text = self.as_string()?;
                // As it is written: \\N and \N are the same default, \0 and \000 the null terminator.
                to.null_as = match text.as_str() {
                    "\\0" | "\\000" => "\0".to_owned(),
                    _ => text.replace("\\\\", "\\"),
                };
            }
            "EMPTYASNULL" => to.empty_as_null = self.flag(given, "EMPTYASNULL")?,
            "BLANKSASNULL" => to.blanks_as_null = self.flag(given, "BLANKSASNULL")?,
            "TRIMBLANKS" => to.trim_blanks = self.flag(given, "TRIMBLANKS")?,
            "TRUNCATECOLUMNS" => to.truncate_columns = self.flag(given, "TRUNCATECOLUMNS")?,
            "ROUNDEC" => to.round_decimals = self.flag(given, "ROUNDEC")?,
            "ACCEPTANYDATE" => to.accept_any_date = self.flag(given, "ACCEPTANYDATE")?,
            "ACCEPTINVCHARS" => {
                self.advance();
                given.add("ACCEPTINVCHARS")?;
                let named = self.eat_word("AS") || matches!(self.kind(), crate::lexer::Kind::Text(_));
                let text = if named { self.raw_string()? } else { "?".to_owned() };
                to.replacement = match text.as_bytes() {
                    [byte] if byte.is_ascii() && *byte != 0 => Some(*byte),
                    _ => return Err(SqlError::syntax("ACCEPTINVCHARS needs one ASCII character")),
                };
            }
            "DATEFORMAT" => {
                self.advance();
                given.add("DATEFORMAT")?;
                to.date = moment(self.as_string()?);
            }
            "TIMEFORMAT" => {
                self.advance();
                given.add("TIMEFORMAT")?;
                to.time = match self.as_string()?.as_str() {
                    "epochsecs" => MomentFormat::EpochSeconds,
                    "epochmillisecs" => MomentFormat::EpochMilliseconds,
                    text => moment(text.to_owned()),
                };
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// "Data load operations" and what else there is.
    fn load_option(&mut self, word: &str, copy: &mut Copy, options: &mut Options) -> Parsed<bool> {
        let given = &mut options.given;
        match word {
            "MANIFEST" => copy.manifest = self.flag(given, "MANIFEST")?,
            "FILLRECORD" => copy.fill_record = self.flag(given, "FILLRECORD")?,
            "EXPLICIT_IDS" => copy.explicit_ids = self.flag(given, "EXPLICIT_IDS")?,
            "IGNOREBLANKLINES" => copy.ignore_blank_lines = self.flag(given, "IGNOREBLANKLINES")?,
            "NOLOAD" => copy.no_load = self.flag(given, "NOLOAD")?,
            "IGNOREALLERRORS" => {
                self.flag(given, "IGNOREALLERRORS")?;
                copy.max_error = None;
            }
            "IGNOREHEADER" => {
                self.advance();
                given.add("IGNOREHEADER")?;
                copy.ignore_header = self.as_number()?;
            }
            "MAXERROR" => {
                self.advance();
                given.add("MAXERROR")?;
                let count = self.as_number()?;
                if count > MAX_ERRORS {
                    return Err(SqlError::new("22023", format!("MAXERROR is at most {MAX_ERRORS}")));
                }
                copy.max_error = Some(count);
            }
            "ENCODING" => {
                self.advance();
                given.add("ENCODING")?;
                self.eat_word("AS");
                let text = match self.keyword() {
                    Some(word) => {
                        self.advance();
                        word
                    }
                    None => self.raw_string()?.to_ascii_uppercase(),
                };
                copy.encoding = match text.as_str() {
                    "UTF8" => Encoding::Utf8,
                    "UTF16" => Encoding::Utf16,
                    "UTF16LE" => Encoding::Utf16Le,
                    "UTF16BE" => Encoding::Utf16Be,
                    "ISO88591" => return self.refuse(SqlError::not_in_stand_in("ENCODING ISO88591")),
                    _ => return Err(SqlError::syntax(format!("COPY does not know the encoding {text}"))),
                };
            }
            // What only changes how fast later queries are.
            "COMPUPDATE" => {
                self.advance();
                given.add("COMPUPDATE")?;
                if !self.eat_word("PRESET") {
                    self.switch();
                }
            }
            "STATUPDATE" => {
                self.advance();
                given.add("STATUPDATE")?;
                self.switch();
            }
            "COMPROWS" => {
                self.advance();
                given.add("COMPROWS")?;
                self.as_number()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn flag(&mut self, given: &mut Given, word: &'static str) -> Parsed<bool> {
        self.advance();
        given.add(word)?;
        Ok(true)
    }
}

fn moment(text: String) -> MomentFormat {
    if text == "auto" { MomentFormat::Auto } else { MomentFormat::Explicit(text) }
}
