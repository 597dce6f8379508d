//! Reserved words (Redshift Database Developer Guide, "Reserved words").

/// Sorted, upper case. ARRAY is left out: the guide's own examples use it as a name.
const RESERVED: &[&str] = &[
    "AES128",
    "AES256",
    "ALL",
    "ALLOWOVERWRITE",
    "ANALYSE",
    "ANALYZE",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "AUTHORIZATION",
    "AZ64",
    "BACKUP",
    "BETWEEN",
    "BINARY",
    "BLANKSASNULL",
    "BOTH",
    "BYTEDICT",
    "BZIP2",
    "CASE",
    "CAST",
    "CHECK",
    "COLLATE",
    "COLUMN",
    "CONSTRAINT",
    "CREATE",
    "CREDENTIALS",
    "CROSS",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "CURRENT_USER_ID",
    "DEFAULT",
    "DEFERRABLE",
    "DEFLATE",
    "DEFRAG",
    "DELTA",
    "DELTA32K",
    "DESC",
    "DISABLE",
    "DISTINCT",
    "DO",
    "ELSE",
    "EMPTYASNULL",
    "ENABLE",
    "ENCODE",
    "ENCRYPT",
    "ENCRYPTION",
    "END",
    "EXCEPT",
    "EXPLICIT",
    "FALSE",
    "FOR",
    "FOREIGN",
    "FREEZE",
    "FROM",
    "FULL",
    "GLOBALDICT256",
    "GLOBALDICT64K",
    "GRANT",
    "GROUP",
    "GZIP",
    "HAVING",
    "IDENTITY",
    "IGNORE",
    "ILIKE",
    "IN",
    "INITIALLY",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "ISNULL",
    "JOIN",
    "LANGUAGE",
    "LEADING",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "LUN",
    "LUNS",
    "LZO",
    "LZOP",
    "MINUS",
    "MOSTLY16",
    "MOSTLY32",
    "MOSTLY8",
    "NATURAL",
    "NEW",
    "NOT",
    "NOTNULL",
    "NULL",
    "NULLS",
    "OFF",
    "OFFLINE",
    "OFFSET",
    "OID",
    "OLD",
    "ON",
    "ONLY",
    "OPEN",
    "OR",
    "ORDER",
    "OUTER",
    "OVERLAPS",
    "PARALLEL",
    "PARTITION",
    "PERCENT",
    "PERMISSIONS",
    "PIVOT",
    "PLACING",
    "PRIMARY",
    "QUALIFY",
    "RAW",
    "READRATIO",
    "RECOVER",
    "REFERENCES",
    "REJECTLOG",
    "RESORT",
    "RESPECT",
    "RESTORE",
    "RIGHT",
    "SELECT",
    "SESSION_USER",
    "SIMILAR",
    "SNAPSHOT",
    "SOME",
    "SYSDATE",
    "SYSTEM",
    "TABLE",
    "TAG",
    "TDES",
    "TEXT255",
    "TEXT32K",
    "THEN",
    "TIMESTAMP",
    "TO",
    "TOP",
    "TRAILING",
    "TRUE",
    "TRUNCATECOLUMNS",
    "UNION",
    "UNIQUE",
    "UNNEST",
    "UNPIVOT",
    "USER",
    "USING",
    "VERBOSE",
    "WALLET",
    "WHEN",
    "WHERE",
    "WITH",
    "WITHOUT",
];

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

/// A function that is called without parentheses; `word` is in upper case.
pub(super) fn is_current_value(word: &str) -> bool {
    matches!(
        word,
        "CURRENT_DATE"
            | "CURRENT_TIME"
            | "CURRENT_TIMESTAMP"
            | "CURRENT_USER"
            | "CURRENT_USER_ID"
            | "LOCALTIME"
            | "LOCALTIMESTAMP"
            | "SESSION_USER"
            | "SYSDATE"
            | "USER"
    )
}

/// Reserved words without a part in expressions, sorted.
const APART: &[&str] = &[
    "BACKUP",
    "BINARY",
    "COLUMN",
    "CREDENTIALS",
    "DELTA",
    "DISABLE",
    "ENABLE",
    "ENCRYPT",
    "ENCRYPTION",
    "EXPLICIT",
    "IDENTITY",
    "LANGUAGE",
    "NEW",
    "OFFLINE",
    "OLD",
    "PARALLEL",
    "PERCENT",
    "PERMISSIONS",
    "RAW",
    "RECOVER",
    "RESTORE",
    "SNAPSHOT",
    "SYSTEM",
    "TAG",
    "VERBOSE",
    "WALLET",
];

/// True for a reserved word that a procedure body may declare as a variable; `word` is in upper case.
///
/// Bodies of public projects have variables `current_date` (dashboards of awslabs/clickstream-analytics-on-aws) and `verbose`:
/// PL/pgSQL knows its own keywords only, and puts a variable in place of whatever word has its name.
pub(super) fn may_be_variable(word: &str) -> bool {
    is_current_value(word) || APART.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_is_sorted_for_binary_search() {
        assert!(super::RESERVED.is_sorted());
        assert!(super::APART.is_sorted());
        assert!(super::is_reserved("Tag") && !super::is_reserved("name"));
    }
}
