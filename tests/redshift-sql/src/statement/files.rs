//! COPY and UNLOAD, with every option settled: what the engine needs to read and write files.
//!
//! Sources: Redshift Database Developer Guide, "COPY", "Data format parameters", "Data conversion parameters", "Data load
//! operations" and "UNLOAD". Invariant: options that contradict each other were refused by the parser.

use crate::ast::{ObjectName, Query};

/// COPY from files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Target.
    pub table: ObjectName,
    /// Column list; empty is all.
    pub columns: Vec<String>,
    /// `s3://bucket/prefix`, or the manifest.
    pub source: String,
    /// MANIFEST.
    pub manifest: bool,
    /// How records and fields are written.
    pub format: CopyFormat,
    /// Compression of the files.
    pub compression: Compression,
    /// ENCODING.
    pub encoding: Encoding,
    /// How fields become values.
    pub conversion: Conversion,
    /// IGNOREHEADER: lines of each file that are left out.
    pub ignore_header: u64,
    /// IGNOREBLANKLINES.
    pub ignore_blank_lines: bool,
    /// FILLRECORD.
    pub fill_record: bool,
    /// EXPLICIT_IDS.
    pub explicit_ids: bool,
    /// MAXERROR: the load fails at this number of errors; `None` is IGNOREALLERRORS.
    pub max_error: Option<u64>,
    /// NOLOAD.
    pub no_load: bool,
}

/// The format of files that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyFormat {
    /// Fields between delimiters.
    Delimited {
        /// One or more characters.
        delimiter: String,
        /// ESCAPE.
        escape: bool,
        /// REMOVEQUOTES.
        remove_quotes: bool,
    },
    /// CSV.
    Csv {
        /// One or more characters.
        delimiter: String,
        /// QUOTE.
        quote: u8,
    },
    /// FIXEDWIDTH: characters of each field.
    FixedWidth(Vec<usize>),
    /// JSON.
    Json(JsonMapping),
}

/// Which part of a JSON document goes to which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonMapping {
    /// By the columns' names; `ignore_case` for 'auto ignorecase'.
    Auto {
        /// Names match in any case.
        ignore_case: bool,
    },
    /// 'noshred': the document into the only column, a SUPER.
    Whole,
    /// By a JSONPaths file.
    Paths(String),
}

/// Compression of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the formats'")]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Encoding of the files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the encodings'")]
pub enum Encoding {
    Utf8,
    /// By its byte order mark.
    Utf16,
    Utf16Le,
    Utf16Be,
}

/// DATEFORMAT and TIMEFORMAT.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "a variant is named after its word")]
pub enum MomentFormat {
    Default,
    Auto,
    EpochSeconds,
    EpochMilliseconds,
    Explicit(String),
}

/// "Data conversion parameters".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// NULL AS; the default is `\N`.
    pub null_as: String,
    /// EMPTYASNULL.
    pub empty_as_null: bool,
    /// BLANKSASNULL.
    pub blanks_as_null: bool,
    /// TRIMBLANKS.
    pub trim_blanks: bool,
    /// TRUNCATECOLUMNS.
    pub truncate_columns: bool,
    /// ROUNDEC.
    pub round_decimals: bool,
    /// ACCEPTANYDATE.
    pub accept_any_date: bool,
    /// ACCEPTINVCHARS: what stands for each byte that is no character.
    pub replacement: Option<u8>,
    /// DATEFORMAT.
    pub date: MomentFormat,
    /// TIMEFORMAT.
    pub time: MomentFormat,
}

/// UNLOAD into files.
#[derive(Debug, Clone, PartialEq)]
pub struct Unload {
    /// The query, without LIMIT.
    pub query: Query,
    /// `s3://bucket/prefix`.
    pub target: String,
    /// How rows are written.
    pub format: UnloadFormat,
    /// Compression of the files.
    pub compression: Compression,
    /// HEADER.
    pub header: bool,
    /// NULL AS; the default is empty.
    pub null_as: Option<String>,
    /// PARTITION BY.
    pub partition_by: Vec<String>,
    /// INCLUDE of the partition columns.
    pub include: bool,
    /// MANIFEST.
    pub manifest: bool,
    /// VERBOSE.
    pub verbose: bool,
    /// ALLOWOVERWRITE.
    pub allow_overwrite: bool,
    /// CLEANPATH.
    pub clean_path: bool,
    /// PARALLEL.
    pub parallel: bool,
    /// MAXFILESIZE in bytes.
    pub max_file_size: u64,
}

/// The format of files that are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnloadFormat {
    /// Fields between delimiters.
    Delimited {
        /// One character.
        delimiter: char,
        /// ESCAPE.
        escape: bool,
        /// ADDQUOTES.
        add_quotes: bool,
    },
    /// CSV.
    Csv {
        /// One character.
        delimiter: char,
    },
    /// FIXEDWIDTH: characters of each column.
    FixedWidth(Vec<usize>),
    /// JSON, an object a line.
    Json,
}
