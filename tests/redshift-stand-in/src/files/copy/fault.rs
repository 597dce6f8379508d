//! Why a row cannot be loaded, by the numbers of the Redshift Database Developer Guide, "Load error reference".

/// A row's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: i32,
    pub(super) reason: String,
}

impl Fault {
    fn new(code: i32, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// 1202: the text that "COPY examples" shows.
    pub(super) fn extra_columns() -> Self {
        Self::new(1202, "Extra column(s) found")
    }

    pub(super) fn out_of_range(what: &str) -> Self {
        Self::new(1204, what)
    }

    pub(super) fn date() -> Self {
        Self::new(1205, "Invalid Date Format")
    }

    pub(super) fn timestamp() -> Self {
        Self::new(1206, "Invalid timestamp format or value")
    }

    /// 1207, for a number's first character that does not belong there.
    pub(super) fn digit(text: &str, position: usize, rs_type: &str) -> Self {
        let found = text.chars().nth(position).map(String::from).unwrap_or_default();
        Self::new(1207, format!("Invalid digit, Value '{found}', Pos {position}, Type: {rs_type}"))
    }

    pub(super) fn float() -> Self {
        Self::new(1208, "Invalid float format")
    }

    pub(super) fn boolean() -> Self {
        Self::new(1210, "Unknown boolean format")
    }

    pub(super) fn no_data() -> Self {
        Self::new(1211, "Line contained no data")
    }

    pub(super) fn not_null() -> Self {
        Self::new(1213, "Missing data for not-null field")
    }

    pub(super) fn delimiter() -> Self {
        Self::new(1214, "Delimiter not found")
    }

    pub(super) fn char_field() -> Self {
        Self::new(1215, "Multibyte character not supported for CHAR")
    }

    pub(super) fn line(reason: &str) -> Self {
        Self::new(1216, reason)
    }

    /// 1220: the text that "STL_LOAD_ERRORS" shows.
    pub(super) fn utf8() -> Self {
        Self::new(1220, "String contains invalid or unsupported UTF8 code")
    }

    pub(super) fn unsupported(rs_type: &str) -> Self {
        Self::new(1223, format!("COPY into {rs_type} is not supported by this stand-in"))
    }

    pub(super) fn super_json() -> Self {
        Self::new(1224, "Input data is not well-formed JSON for the super data type")
    }
}
