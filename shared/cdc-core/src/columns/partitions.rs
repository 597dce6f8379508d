//! Statements that take rows away with a partition of MySQL or MariaDB: no event tells of the rows.

/// Whether a statement drops, empties, exchanges or gives away a partition of a table.
pub(super) fn takes_rows(ddl: &str) -> bool {
    let words: Vec<String> = ddl
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_uppercase)
        .collect();
    let takes = |pair: &[String]| {
        ["DROP", "TRUNCATE", "EXCHANGE", "CONVERT"].contains(&pair[0].as_str())
            && ["PARTITION", "SUBPARTITION"].contains(&pair[1].as_str())
    };
    words.first().is_some_and(|word| word == "ALTER") && words.windows(2).any(takes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_with_their_partition() {
        for (ddl, takes) in [
            ("ALTER TABLE part TRUNCATE PARTITION p1", true),
            ("alter table `a`.`b`\n  drop partition if exists p0, p1", true),
            ("ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", true),
            ("ALTER TABLE t CONVERT PARTITION p TO TABLE u", true),
            ("ALTER TABLE t DROP COLUMN c", false),
            ("ALTER TABLE t REORGANIZE PARTITION p INTO (PARTITION q VALUES LESS THAN (5))", false),
            ("ALTER TABLE t ADD PARTITION (PARTITION p2 VALUES LESS THAN (9))", false),
            ("ALTER TABLE t COALESCE PARTITION 2", false),
            ("TRUNCATE TABLE t", false),
            ("", false),
        ] {
            assert_eq!(takes_rows(ddl), takes, "{ddl}");
        }
    }
}
