//! What a statement of MySQL or MariaDB does to the names of columns and tables.
//!
//! Debezium tells a table's new definition as a whole; only the statement tells that a column was
//! renamed, or dropped and added anew. Read are the places where names stand, whatever else the
//! statement has: types, options and expressions of either database pass by unread.

use std::collections::{BTreeMap, BTreeSet};

/// What a statement did to names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// Present name, folded, to the former name as written.
    renamed: BTreeMap<String, String>,
    dropped: BTreeSet<String>,
    added: BTreeSet<String>,
    /// Added columns whose value in the rows that are there is computed: generated columns,
    /// `AUTO_INCREMENT`, a default that is an expression.
    computed: BTreeSet<String>,
    /// The defaults of added columns that are written as text.
    texts: BTreeMap<String, String>,
    /// Tables that got another name: the former and the new one, without their database.
    pub(super) tables: Vec<(String, String)>,
}

/// Names of columns are compared without regard to case (MySQL Reference Manual, "Identifier Case
/// Sensitivity").
pub(super) fn folded(name: &str) -> String {
    name.to_lowercase()
}

impl Moves {
    /// Whether no column got another name, or another column the same.
    pub(super) fn is_empty(&self) -> bool {
        self.renamed.is_empty() && self.added.is_empty()
    }

    /// The former name of a column that was renamed.
    pub(super) fn former_name(&self, name: &str) -> Option<&str> {
        self.renamed.get(&folded(name)).map(String::as_str)
    }

    /// Whether a column of this name is another than the one that had the name before.
    pub(super) fn is_another(&self, name: &str) -> bool {
        let is_new = self.added.contains(&folded(name)) || self.renamed.contains_key(&folded(name));
        is_new && self.takes_away(name)
    }

    /// The default with which a column was added, if it was written as text: Debezium leaves
    /// doubled quotes in it.
    pub(super) fn default_text(&self, name: &str) -> Option<&str> {
        self.texts.get(&folded(name)).map(String::as_str)
    }

    /// Whether a column is gone, under its name.
    pub(super) fn takes_away(&self, name: &str) -> bool {
        let name = folded(name);
        self.dropped.contains(&name) || self.renamed.values().any(|former| folded(former) == name)
    }

    /// Whether rows that were there have a computed value in an added column.
    pub(super) fn is_computed(&self, name: &str) -> bool {
        self.computed.contains(&folded(name))
    }
}

/// None when the statement cannot be followed.
pub(super) fn moves(text: &str) -> Option<Moves> {
    let tokens = tokens(text)?;
    let mut moves = Moves::default();
    for statement in tokens.split(|token| *token == Token::Symbol(';')) {
        read(statement, &mut moves)?;
    }
    Some(moves)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A keyword, a name without quotes, a number.
    Word(String),
    /// A quoted name, or text in double quotes: with ANSI_QUOTES they are a name's.
    Name(String),
    /// Text. None if it has a backslash, which is an escape in some modes.
    Text(Option<String>),
    Symbol(char),
}

/// The tokens without comments. The inside of a comment that is executed (`/*!50000 … */`,
/// `/*M! … */`) counts. None if something is not closed.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let letters: Vec<char> = text.chars().collect();
    let at = |index: usize| letters.get(index).copied();
    let mut tokens = Vec::new();
    let mut index = 0;
    while let Some(letter) = at(index) {
        let next = at(index + 1);
        let is_dashes = letter == '-' && next == Some('-') && at(index + 2).is_none_or(char::is_whitespace);
        if letter == '#' || is_dashes {
            while at(index).is_some_and(|letter| letter != '\n') {
                index += 1;
            }
        } else if letter == '/' && next == Some('*') {
            let mark = if at(index + 2) == Some('M') { index + 3 } else { index + 2 };
            if at(mark) == Some('!') {
                index = mark + 1;
                while at(index).is_some_and(|letter| letter.is_ascii_digit()) {
                    index += 1;
                }
            } else {
                index += 2;
                while !(at(index)? == '*' && at(index + 1) == Some('/')) {
                    index += 1;
                }
                index += 2;
            }
        } else if letter == '*' && next == Some('/') {
            index += 2;
        } else if matches!(letter, '\'' | '"' | '`') {
            let (content, end) = quoted(&letters, index)?;
            let has_escape = letters.get(index..end)?.contains(&'\\');
            tokens.push(match letter {
                '\'' => Token::Text((!has_escape).then_some(content)),
                '"' if has_escape => Token::Text(None),
                _ => Token::Name(content),
            });
            index = end;
        } else if letter.is_whitespace() {
            index += 1;
        } else if is_of_word(letter) {
            let start = index;
            while at(index).is_some_and(is_of_word) {
                index += 1;
            }
            tokens.push(Token::Word(letters.get(start..index)?.iter().collect()));
        } else {
            tokens.push(Token::Symbol(letter));
            index += 1;
        }
    }
    Some(tokens)
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$') || letter >= '\u{80}'
}

/// What stands between quotes, and where it ends. A backslash escapes in texts, not in names.
fn quoted(letters: &[char], start: usize) -> Option<(String, usize)> {
    let quote = *letters.get(start)?;
    let mut content = String::new();
    let mut index = start + 1;
    loop {
        let letter = *letters.get(index)?;
        index += 1;
        if letter == quote {
            if letters.get(index) != Some(&quote) {
                return Some((content, index));
            }
            index += 1;
        } else if letter == '\\' && quote != '`' {
            content.push(*letters.get(index)?);
            index += 1;
            continue;
        }
        content.push(letter);
    }
}

/// Reads on, token by token.
struct Reader<'a> {
    tokens: &'a [Token],
}

impl Reader<'_> {
    fn is(&self, word: &str) -> bool {
        matches!(self.tokens.first(), Some(Token::Word(first)) if first.eq_ignore_ascii_case(word))
    }

    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    fn skip(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    fn eat(&mut self, words: &[&str]) -> bool {
        let mut ahead = Reader { tokens: self.tokens };
        for word in words {
            if !ahead.is(word) {
                return false;
            }
            ahead.skip();
        }
        self.tokens = self.tokens.get(words.len()..).unwrap_or_default();
        true
    }

    fn name(&mut self) -> Option<String> {
        let name = match self.tokens.first()? {
            Token::Word(name) | Token::Name(name) => name.clone(),
            Token::Text(_) | Token::Symbol(_) => return None,
        };
        self.skip();
        Some(name)
    }

    /// A table's name without its database.
    fn table(&mut self) -> Option<String> {
        let mut name = self.name()?;
        while self.tokens.first() == Some(&Token::Symbol('.')) {
            self.skip();
            name = self.name()?;
        }
        Some(name)
    }
}

/// The parts between commas that are in no parentheses.
fn parts(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_i32;
    tokens
        .split(|token| {
            match token {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth -= 1,
                _ => {}
            }
            depth == 0 && *token == Token::Symbol(',')
        })
        .collect()
}

fn read(statement: &[Token], moves: &mut Moves) -> Option<()> {
    let mut reader = Reader { tokens: statement };
    if reader.is("SET") {
        // MariaDB: SET STATEMENT … FOR …
        while !reader.tokens.is_empty() && !reader.is("FOR") {
            reader.skip();
        }
        reader.skip();
    }
    if reader.eat(&["RENAME", "TABLE"]) || reader.eat(&["RENAME", "TABLES"]) {
        for part in parts(reader.tokens) {
            let mut reader = Reader { tokens: part };
            reader.eat(&["IF", "EXISTS"]);
            let former = reader.table()?;
            wait(&mut reader);
            if !reader.eat(&["TO"]) {
                return None;
            }
            moves.tables.push((former, reader.table()?));
        }
        return Some(());
    }
    if !reader.eat(&["ALTER"]) {
        return Some(());
    }
    while reader.is_any(&["ONLINE", "OFFLINE", "IGNORE"]) {
        reader.skip();
    }
    if !reader.eat(&["TABLE"]) {
        return Some(());
    }
    reader.eat(&["IF", "EXISTS"]);
    let table = reader.table()?;
    wait(&mut reader);
    for part in parts(reader.tokens) {
        operation(Reader { tokens: part }, &table, moves)?;
    }
    Some(())
}

/// MariaDB's `WAIT n` and `NOWAIT` behind a table's name.
fn wait(reader: &mut Reader<'_>) {
    if reader.eat(&["WAIT"]) {
        reader.skip();
    }
    reader.eat(&["NOWAIT"]);
}

/// What begins something else than a column behind `ADD`, `DROP` and `RENAME`.
const NO_COLUMN: [&str; 12] = [
    "INDEX",
    "KEY",
    "PRIMARY",
    "UNIQUE",
    "FULLTEXT",
    "SPATIAL",
    "CONSTRAINT",
    "FOREIGN",
    "CHECK",
    "PARTITION",
    "PERIOD",
    "VECTOR",
];

fn operation(mut reader: Reader<'_>, table: &str, moves: &mut Moves) -> Option<()> {
    if reader.eat(&["ADD"]) {
        let is_column = reader.eat(&["COLUMN"]);
        if !is_column && (reader.is_any(&NO_COLUMN) || Reader { ..reader }.eat(&["SYSTEM", "VERSIONING"])) {
            return Some(());
        }
        reader.eat(&["IF", "NOT", "EXISTS"]);
        if reader.tokens.first() != Some(&Token::Symbol('(')) {
            return add(reader, moves);
        }
        let end = reader.tokens.iter().rposition(|token| *token == Token::Symbol(')'))?;
        for part in parts(reader.tokens.get(1..end)?) {
            let reader = Reader { tokens: part };
            if !reader.is_any(&NO_COLUMN) {
                add(reader, moves)?;
            }
        }
    } else if reader.eat(&["DROP"]) {
        let is_column = reader.eat(&["COLUMN"]);
        if !is_column && (reader.is_any(&NO_COLUMN) || Reader { ..reader }.eat(&["SYSTEM", "VERSIONING"])) {
            return Some(());
        }
        reader.eat(&["IF", "EXISTS"]);
        moves.dropped.insert(folded(&reader.name()?));
    } else if reader.eat(&["CHANGE"]) {
        reader.eat(&["COLUMN"]);
        reader.eat(&["IF", "EXISTS"]);
        rename(reader.name()?, &reader.name()?, moves);
    } else if reader.eat(&["RENAME"]) {
        if reader.eat(&["COLUMN"]) {
            reader.eat(&["IF", "EXISTS"]);
            let former = reader.name()?;
            if !reader.eat(&["TO"]) {
                return None;
            }
            rename(former, &reader.name()?, moves);
        } else if !reader.is_any(&["INDEX", "KEY"]) {
            if reader.is_any(&["TO", "AS"]) || reader.tokens.first() == Some(&Token::Symbol('=')) {
                reader.skip();
            }
            moves.tables.push((table.to_owned(), reader.table()?));
        }
    }
    Some(())
}

fn rename(former: String, name: &str, moves: &mut Moves) {
    if former != name {
        moves.renamed.insert(folded(name), former);
    }
}

fn add(mut reader: Reader<'_>, moves: &mut Moves) -> Option<()> {
    let name = folded(&reader.name()?);
    let mut is_computed = false;
    let mut depth = 0_i32;
    while let Some(token) = reader.tokens.first() {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth -= 1,
            Token::Word(word) if depth == 0 => {
                let is_default = word.eq_ignore_ascii_case("DEFAULT");
                is_computed |= word.eq_ignore_ascii_case("AS") || word.eq_ignore_ascii_case("AUTO_INCREMENT");
                let behind = reader.tokens.get(1..).unwrap_or_default();
                is_computed |= is_default && !is_literal(behind);
                if let [Token::Text(Some(text)) | Token::Name(text), ..] = behind
                    && is_default
                {
                    moves.texts.insert(name.clone(), text.clone());
                }
            }
            _ => {}
        }
        reader.skip();
    }
    if is_computed {
        moves.computed.insert(name.clone());
    }
    moves.added.insert(name);
    Some(())
}

/// Whether a literal stands at the beginning: `'a'`, `-1.5`, `b'0'`, `_utf8mb4'a'`, `TRUE`, `NULL`.
fn is_literal(tokens: &[Token]) -> bool {
    match tokens {
        [Token::Text(Some(_)) | Token::Name(_), ..]
        | [Token::Symbol('-' | '+' | '.'), Token::Word(_) | Token::Symbol('.'), ..]
        | [Token::Word(_), Token::Text(Some(_)), ..] => true,
        [Token::Word(word), ..] => {
            word.starts_with(|letter: char| letter.is_ascii_digit())
                || ["TRUE", "FALSE", "NULL"].iter().any(|literal| word.eq_ignore_ascii_case(literal))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Some(moves) = moves(text) else { return "unclear".to_owned() };
        let mut parts: Vec<String> =
            moves.renamed.iter().map(|(name, former)| format!("{name} was {former}")).collect();
        parts.extend(moves.dropped.iter().map(|name| format!("-{name}")));
        parts.extend(
            moves.added.iter().map(|name| format!("+{name}{}", if moves.is_computed(name) { " computed" } else { "" })),
        );
        parts.extend(moves.tables.iter().map(|(former, name)| format!("table {former} is {name}")));
        parts.join(", ")
    }

    #[test]
    fn names_are_found_whatever_else_a_statement_has() {
        for (text, expected) in [
            ("ALTER TABLE t ADD COLUMN a INT", "+a"),
            ("alter table `db`.`t` add a decimal(10,2) NOT NULL default 0.5 comment 'it, is' after `b`", "+a"),
            ("ALTER TABLE t ADD COLUMN IF NOT EXISTS `two words` INT INVISIBLE FIRST, ALGORITHM=INPLACE", "+two words"),
            ("ALTER TABLE t ADD (a ENUM('x','y)'), b DECIMAL(4,1), KEY k (a, b))", "+a, +b"),
            (
                "ALTER TABLE t ADD INDEX (a), ADD UNIQUE KEY u (b), ADD CONSTRAINT c CHECK (a > 1), ADD PRIMARY KEY (a)",
                "",
            ),
            ("ALTER TABLE t ADD SYSTEM VERSIONING, DROP SYSTEM VERSIONING, ADD system INT", "+system"),
            (
                "ALTER ONLINE IGNORE TABLE IF EXISTS t WAIT 5 DROP COLUMN IF EXISTS A, DROP b, DROP KEY c, DROP PRIMARY KEY",
                "-a, -b",
            ),
            (
                "ALTER TABLE t CHANGE COLUMN Amt `amount` DECIMAL(9,2), RENAME COLUMN x TO y, RENAME INDEX i TO j",
                "amount was Amt, y was x",
            ),
            ("ALTER TABLE t CHANGE a a BIGINT, MODIFY b INT AFTER c, ALTER COLUMN d SET DEFAULT 5", ""),
            ("ALTER TABLE t CHANGE a b INT, CHANGE b a INT", "a was b, b was a"),
            ("ALTER TABLE t DROP a, ADD a TEXT", "-a, +a"),
            ("/* a, b ( */ ALTER TABLE t -- it's\n DROP /* x */ a # y\n", "-a"),
            ("ALTER TABLE t /*!50000 ADD a INT */ /*!80023 INVISIBLE */", "+a"),
            ("ALTER TABLE \"t\" RENAME COLUMN \"a \"\"b\" TO \"c\"", "c was a \"b"),
            ("SET STATEMENT max_statement_time=5 FOR ALTER TABLE t DROP a", "-a"),
            ("ALTER TABLE t ENGINE=InnoDB, CONVERT TO CHARACTER SET utf8mb4, ORDER BY a, b", ""),
            ("CREATE TABLE t (a INT)", ""),
            ("DROP TABLE t", ""),
            ("ALTER TABLE t DROP `a", "unclear"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_that_the_database_computes_for_an_added_column_is_no_literal() {
        for (text, expected) in [
            (
                "ALTER TABLE t ADD a INT AS (b + 1) VIRTUAL, ADD c INT GENERATED ALWAYS AS (b) STORED",
                "+a computed, +c computed",
            ),
            ("ALTER TABLE t ADD a INT NOT NULL AUTO_INCREMENT UNIQUE", "+a computed"),
            ("ALTER TABLE t ADD a CHAR(36) DEFAULT uuid(), ADD b INT DEFAULT (1 + 1)", "+a computed, +b computed"),
            ("ALTER TABLE t ADD a DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", "+a computed"),
            (
                "ALTER TABLE t ADD a INT DEFAULT -1, ADD b BIT(3) DEFAULT b'1', ADD c TEXT DEFAULT _utf8mb4'x', ADD d BOOL DEFAULT TRUE",
                "+a, +b, +c, +d",
            ),
            ("ALTER TABLE t ADD a INT DEFAULT NULL CHECK (a AS (b))", "+a"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_default_is_the_text_between_its_quotes() {
        let moves =
            moves("ALTER TABLE t ADD a TEXT DEFAULT 'd''d', ADD b TEXT DEFAULT \"it's\", ADD c TEXT DEFAULT 'x\\\\y'");
        let moves = moves.expect("a statement");
        assert_eq!((moves.default_text("A"), moves.default_text("b")), (Some("d'd"), Some("it's")));
        // What a backslash means depends on the mode.
        assert!(moves.is_computed("c"));
    }

    #[test]
    fn tables_get_other_names() {
        assert_eq!(
            shown("RENAME TABLE a TO tmp, `db`.b TO db.a, tmp TO b"),
            "table a is tmp, table b is a, table tmp is b"
        );
        assert_eq!(shown("ALTER TABLE a ADD c INT, RENAME TO b"), "+c, table a is b");
        assert_eq!(shown("ALTER TABLE a RENAME b"), "table a is b");
    }
}
