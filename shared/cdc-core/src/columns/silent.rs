//! Statements of MySQL and MariaDB that take or change rows of which no event tells, or let that happen.

fn words(ddl: &str) -> Vec<String> {
    ddl.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_uppercase)
        .collect()
}

/// Whether a statement gives a table a foreign key with an action: InnoDB carries it out by itself,
/// and the binary log has nothing of it before MySQL 9.6 (MySQL 8.4 Reference Manual, "InnoDB and MySQL
/// Replication"; MariaDB documentation, "Replication and Foreign Keys").
pub(super) fn cascades(ddl: &str) -> bool {
    let words = words(ddl);
    let acts = |four: &[String]| {
        four[0] == "ON"
            && ["DELETE", "UPDATE"].contains(&four[1].as_str())
            && (four[2] == "CASCADE" || four[2] == "SET" && ["NULL", "DEFAULT"].contains(&four[3].as_str()))
    };
    // The last words, too.
    let padded = [words.as_slice(), &[String::new()]].concat();
    words.iter().any(|word| word == "REFERENCES") && padded.windows(4).any(acts)
}

/// Whether a statement drops, empties, exchanges or gives away a partition of a table.
pub(super) fn takes_rows(ddl: &str) -> bool {
    let words = words(ddl);
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
    fn foreign_keys_act_by_themselves() {
        for (ddl, acts) in [
            ("CREATE TABLE c (id INT, p INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES t (id) ON DELETE CASCADE)", true),
            ("alter table c add foreign key (p) references t (id) on delete set\n null", true),
            ("ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES t (id) ON UPDATE CASCADE", true),
            ("ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES t (id) ON DELETE RESTRICT ON UPDATE NO ACTION", false),
            ("CREATE TABLE c (at TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, p INT REFERENCES t (id))", false),
            ("ALTER TABLE c DROP FOREIGN KEY f", false),
            ("", false),
        ] {
            assert_eq!(cascades(ddl), acts, "{ddl}");
        }
    }

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
