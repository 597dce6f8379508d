//! UNLOAD (Redshift Database Developer Guide, "UNLOAD").

use super::{Given, delimiter, widths};
use crate::ast::QueryBody;
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::parser::{Parsed, Parser, parse_statement};
use crate::statement::Statement;
use crate::statement::files::{Compression, Unload, UnloadFormat};

/// "MAXFILESIZE": 5 MB to 6.2 GB, the default.
const SMALLEST: f64 = 5.0;
const LARGEST: f64 = 6.2 * 1024.0;
const MEGABYTE: f64 = 1024.0 * 1024.0;

const CLASHES: &[(&str, &str)] = &[
    ("CSV", "FIXEDWIDTH"),
    ("CSV", "JSON"),
    ("CSV", "ESCAPE"),
    ("CSV", "ADDQUOTES"),
    ("FIXEDWIDTH", "DELIMITER"),
    ("FIXEDWIDTH", "HEADER"),
    ("FIXEDWIDTH", "JSON"),
    ("JSON", "DELIMITER"),
    ("JSON", "HEADER"),
    ("JSON", "ADDQUOTES"),
    ("JSON", "ESCAPE"),
    ("JSON", "NULL"),
    ("CLEANPATH", "ALLOWOVERWRITE"),
];

impl Parser<'_> {
    pub(in crate::parser) fn unload(&mut self) -> Parsed<Statement> {
        self.expect_word("UNLOAD")?;
        self.expect_symbol("(")?;
        let text = self.string()?;
        self.expect_symbol(")")?;
        let Statement::Query(query) = parse_statement(&text, &self.settings).map_err(SqlError::elsewhere)? else {
            return Err(SqlError::syntax("UNLOAD takes a SELECT statement"));
        };
        // "Limit clause": not in the outer SELECT. TOP is one, too.
        let top = matches!(&query.body, QueryBody::Select(select) if select.top.is_some());
        if query.limit.is_some() || top {
            return Err(SqlError::unsupported("Limit clause is not supported")
                .with_hint("UNLOAD takes LIMIT in a subquery only"));
        }
        self.expect_word("TO")?;
        let target = self.raw_string()?;
        if !target.starts_with("s3://") {
            return Err(SqlError::syntax("UNLOAD writes to s3://bucket/prefix"));
        }
        let mut unload = Unload {
            query,
            target,
            format: UnloadFormat::Json,
            compression: Compression::None,
            header: false,
            null_as: None,
            partition_by: Vec::new(),
            include: false,
            manifest: false,
            verbose: false,
            allow_overwrite: false,
            clean_path: false,
            parallel: true,
            max_file_size: bytes(LARGEST),
        };
        let (mut given, mut authorized) = (Given::default(), false);
        let (mut separator, mut fixed) = (None, Vec::new());
        while !self.at_end() && !self.is_symbol(";") {
            if self.authorization()? {
                authorized = true;
            } else if self.is_word("DELIMITER") {
                self.advance();
                given.add("DELIMITER")?;
                let text = delimiter(&self.as_string()?)?;
                let mut characters = text.chars();
                separator = characters.next();
                if characters.next().is_some() {
                    return Err(SqlError::syntax("the delimiter of UNLOAD is a single ASCII character"));
                }
            } else if self.is_word("FIXEDWIDTH") {
                self.advance();
                given.add("FIXEDWIDTH")?;
                fixed = widths(&self.as_string()?)?;
            } else {
                self.unload_option(&mut unload, &mut given)?;
            }
            self.eat_symbol(",");
        }
        if !authorized {
            return Err(SqlError::syntax("UNLOAD needs authorization: IAM_ROLE, CREDENTIALS or ACCESS_KEY_ID"));
        }
        given.clash(CLASHES)?;
        unload.format = if given.has("JSON") {
            UnloadFormat::Json
        } else if given.has("FIXEDWIDTH") {
            UnloadFormat::FixedWidth(fixed)
        } else if given.has("CSV") {
            UnloadFormat::Csv { delimiter: separator.unwrap_or(',') }
        } else {
            UnloadFormat::Delimited {
                delimiter: separator.unwrap_or('|'),
                escape: given.has("ESCAPE"),
                add_quotes: given.has("ADDQUOTES"),
            }
        };
        Ok(Statement::Unload(Box::new(unload)))
    }

    fn unload_option(&mut self, unload: &mut Unload, given: &mut Given) -> Parsed<()> {
        if self.eat_word("FORMAT") {
            self.eat_word("AS");
        }
        if let Some(compression) = self.compression(given)? {
            unload.compression = compression;
            return Ok(());
        }
        if self.common_option(given)? {
            return Ok(());
        }
        let Some(word) = self.keyword() else { return Err(self.unexpected()) };
        self.advance();
        match word.as_str() {
            "CSV" => given.add("CSV")?,
            "JSON" => given.add("JSON")?,
            "ESCAPE" => given.add("ESCAPE")?,
            "ADDQUOTES" => given.add("ADDQUOTES")?,
            "HEADER" => {
                given.add("HEADER")?;
                unload.header = true;
            }
            "NULL" => {
                given.add("NULL")?;
                unload.null_as = Some(self.as_string()?.replace("\\\\", "\\"));
            }
            "PARTITION" => {
                given.add("PARTITION")?;
                self.expect_word("BY")?;
                unload.partition_by = self.name_list()?;
                unload.include = self.eat_word("INCLUDE");
            }
            "MANIFEST" => {
                given.add("MANIFEST")?;
                unload.manifest = true;
                unload.verbose = self.eat_word("VERBOSE");
            }
            "ALLOWOVERWRITE" => {
                given.add("ALLOWOVERWRITE")?;
                unload.allow_overwrite = true;
            }
            "CLEANPATH" => {
                given.add("CLEANPATH")?;
                unload.clean_path = true;
            }
            "PARALLEL" => {
                given.add("PARALLEL")?;
                unload.parallel = self.switch();
            }
            "MAXFILESIZE" => {
                given.add("MAXFILESIZE")?;
                self.eat_word("AS");
                unload.max_file_size = self.file_size()?;
            }
            "ROWGROUPSIZE" | "EXTENSION" => return self.refuse(SqlError::not_in_stand_in(&word)),
            _ => return Err(SqlError::syntax(format!("syntax error at or near \"{word}\": not an option of UNLOAD"))),
        }
        Ok(())
    }

    fn file_size(&mut self) -> Parsed<u64> {
        let Kind::Number(text) = self.kind() else { return Err(self.unexpected()) };
        let number: f64 = text.parse().map_err(|_| self.unexpected())?;
        self.advance();
        let megabytes = if self.eat_word("GB") {
            number * 1024.0
        } else {
            self.eat_word("MB");
            number
        };
        if !(SMALLEST..=LARGEST).contains(&megabytes) {
            return Err(SqlError::new("22023", "MAXFILESIZE is between 5 MB and 6.2 GB"));
        }
        Ok(bytes(megabytes))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 6.2 GB")]
fn bytes(megabytes: f64) -> u64 {
    (megabytes * MEGABYTE) as u64
}
