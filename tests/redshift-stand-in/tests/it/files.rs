//! COPY and UNLOAD between tables and the folder that stands for S3. Pages are those of the Redshift Database Developer Guide.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use redshift_stand_in::{Options, StandIn};

use crate::harness::{Client, Database, run, s3};

/// A database, a session in it, and the bucket of its name.
struct Bench {
    database: Database,
    admin: Client,
}

impl Bench {
    async fn new() -> Self {
        let database = Database::new().await;
        let admin = database.admin().await;
        Self { database, admin }
    }

    fn path(&self, key: &str) -> PathBuf {
        s3().join(self.database.name()).join(key)
    }

    fn put(&self, key: &str, content: impl AsRef<[u8]>) {
        let path = self.path(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn get(&self, key: &str) -> String {
        std::fs::read_to_string(self.path(key)).unwrap_or_else(|error| panic!("{key}: {error}"))
    }

    /// The bucket's keys.
    fn keys(&self, folder: &str) -> Vec<String> {
        let mut keys: Vec<String> = std::fs::read_dir(self.path(folder))
            .map(|entries| entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        keys.sort();
        keys
    }

    fn copy(&self, table: &str, key: &str, options: &str) -> String {
        format!("COPY {table} FROM 's3://{}/{key}' IAM_ROLE default {options}", self.database.name())
    }

    fn unload(&self, query: &str, key: &str, options: &str) -> String {
        let query = query.replace('\'', "''");
        format!("UNLOAD ('{query}') TO 's3://{}/{key}' IAM_ROLE default {options}", self.database.name())
    }

    /// What a file of this content brings into a new table.
    async fn loads(&mut self, columns: &str, content: impl AsRef<[u8]>, options: &str) -> Result<Vec<String>, String> {
        self.put("data/file", content);
        self.admin.ok("DROP TABLE IF EXISTS t").await;
        self.admin.ok(&format!("CREATE TABLE t ({columns})")).await;
        match self.admin.send(&self.copy("t", "data/file", options)).await {
            Ok(_) => Ok(self.admin.rows("SELECT * FROM t ORDER BY 1").await),
            Err(error) if error.text().contains("Load into table") => Err(self
                .admin
                .rows(
                    "SELECT err_code, TRIM(colname), line_number FROM stl_load_errors
                     WHERE query = (SELECT MAX(query) FROM stl_load_errors) ORDER BY line_number",
                )
                .await
                .join(" ")),
            Err(error) => Err(error.text()),
        }
    }
}

/// A page, columns, a file, options, and rows or the error's number, column and line.
type Load = (&'static str, &'static str, &'static [u8], &'static str, Result<&'static [&'static str], &'static str>);

const LOADS: &[Load] = &[
    // COPY: the default is delimited text with |; a delimiter may end the line ("COPY examples").
    ("COPY", "a INT, b VARCHAR(9)", b"1|x|\n2|y\n", "", Ok(&["1|x", "2|y"])),
    ("COPY", "a INT, b VARCHAR(9)", b"1|x\r\n2|y\r\n", "", Ok(&["1|x", "2|y"])),
    ("COPY examples", "a INT, b VARCHAR(9)", b"1|x|z\n", "", Err("1202||1")),
    ("Load error reference", "a INT, b VARCHAR(9)", b"1|x\n2\n", "", Err("1214||2")),
    ("Load error reference", "a INT, b VARCHAR(9)", b"1|x\n\n", "", Err("1211||2")),
    ("Load error reference", "a INT", b"1\nx\n", "", Err("1207|a|2")),
    ("Load error reference", "a SMALLINT", b"40000\n", "", Err("1204|a|1")),
    ("Load error reference", "a FLOAT", b"1.5\nx\n", "", Err("1208|a|2")),
    ("Load error reference", "a DECIMAL(4,2)", b"100\n", "", Err("1204|a|1")),
    ("Load error reference", "a BOOLEAN", b"maybe\n", "", Err("1210|a|1")),
    ("Load error reference", "a INT NOT NULL", b"\\N\n", "", Err("1213|a|1")),
    ("Load error reference", "a VARCHAR(3)", b"abcd\n", "", Err("1204|a|1")),
    ("Load error reference", "a CHAR(3)", "é\n".as_bytes(), "", Err("1215|a|1")),
    ("Load error reference", "a VARCHAR(9)", b"a\xFF\n", "", Err("1220|a|1")),
    ("Load error reference", "a SUPER", b"{\"a\":\n", "", Err("1224|a|1")),
    ("Load error reference", "a DATE", b"01/02/2024\n", "", Err("1205|a|1")),
    ("Load error reference", "a TIMESTAMP", b"2024-01-02T03:04:05\n", "", Err("1206|a|1")),
    ("DELIMITER", "a INT, b VARCHAR(9)", b"1\tx|y\n", "DELIMITER '\\t'", Ok(&["1|x|y"])),
    ("DELIMITER", "a INT, b VARCHAR(9)", b"1|~|x\n", "DELIMITER AS '|~|'", Ok(&["1|x"])),
    ("DELIMITER", "a INT, b VARCHAR(9)", b"1,x\n", "DELIMITER '\\054'", Ok(&["1|x"])),
    ("ESCAPE", "a INT, b VARCHAR(60)", b"1|The quick brown fox\\\njumped over\n", "ESCAPE", Ok(&["1|The quick brown fox\njumped over"])),
    ("ESCAPE", "a INT, b VARCHAR(60)", b"2|A\\\\B\\\\C\n3|A \\| B\n", "ESCAPE", Ok(&["2|A\\B\\C", "3|A | B"])),
    ("ESCAPE", "a INT, b VARCHAR(60)", b"4|'A Midsummer Night\\'s Dream'\n", "ESCAPE REMOVEQUOTES", Ok(&["4|A Midsummer Night's Dream"])),
    ("ESCAPE", "a INT, b VARCHAR(9)", b"1|\\N\n2|\\\\N\n", "ESCAPE", Ok(&["1|~", "2|~"])),
    ("REMOVEQUOTES", "a INT, b VARCHAR(9)", b"1|\"x|y\"\n2|'z'\n3|q\n", "REMOVEQUOTES", Ok(&["1|x|y", "2|z", "3|q"])),
    ("REMOVEQUOTES", "a INT, b VARCHAR(9)", b"1|\"x\n", "REMOVEQUOTES", Err("1216||1")),
    ("CSV", "a INT, b VARCHAR(30)", b"13,\"All \"\"non-musical\"\" theatre\"\n14,plain\n", "CSV", Ok(&["13|All \"non-musical\" theatre", "14|plain"])),
    ("CSV", "a INT, b VARCHAR(30)", b"1, \"x, y\" \n2,\"two\nlines\"\n", "FORMAT AS CSV", Ok(&["1|x, y", "2|two\nlines"])),
    ("CSV", "a INT, b VARCHAR(30)", b"13,%\"rock\" opera%\n", "CSV QUOTE AS '%'", Ok(&["13|\"rock\" opera"])),
    ("CSV", "a INT, b VARCHAR(30)", b"1|\"x|y\"\n", "CSV DELIMITER '|'", Ok(&["1|x|y"])),
    ("CSV", "a INT, b VARCHAR(30)", b"1,\"x\"y\n2,z\n", "CSV MAXERROR 2", Ok(&["2|z"])),
    ("FIXEDWIDTH", "a INT, b VARCHAR(5), c INT", b"1  Park 0\n2  Rk   68\n", "FIXEDWIDTH 'a:3,b:5,c:6'", Ok(&["1|Park |0", "2|Rk   |68"])),
    ("FIXEDWIDTH", "a INT, b VARCHAR(8)", "1 éé\n".as_bytes(), "FIXEDWIDTH AS 'a:2,b:2'", Ok(&["1|éé"])),
    ("EMPTYASNULL", "a INT, b VARCHAR(9), c INT", b"1||\n", "", Ok(&["1||~"])),
    ("EMPTYASNULL", "a INT, b VARCHAR(9)", b"1|\n", "EMPTYASNULL", Ok(&["1|~"])),
    ("BLANKSASNULL", "a INT, b VARCHAR(9)", b"1|   \n", "BLANKSASNULL", Ok(&["1|~"])),
    ("TRIMBLANKS", "a INT, b VARCHAR(9)", b"1|x   \n", "TRIMBLANKS", Ok(&["1|x"])),
    ("NULL AS", "a INT, b VARCHAR(9)", b"1|none\n2|\\N\n", "NULL AS 'none'", Ok(&["1|~", "2|\\N"])),
    ("TRUNCATECOLUMNS", "a VARCHAR(3)", "aéé\n".as_bytes(), "TRUNCATECOLUMNS", Ok(&["aé"])),
    ("ACCEPTINVCHARS", "a VARCHAR(9)", b"a\xFF\xFEb\n", "ACCEPTINVCHARS AS '^'", Ok(&["a^^b"])),
    ("ROUNDEC", "a DECIMAL(8,2)", b"20.259\n", "", Ok(&["20.25"])),
    ("ROUNDEC", "a DECIMAL(8,2)", b"20.259\n", "ROUNDEC", Ok(&["20.26"])),
    ("FILLRECORD", "a INT, b VARCHAR(9), c CHAR(3), d INT", b"1\n", "FILLRECORD", Ok(&["1||~|~"])),
    ("FILLRECORD", "a INT, b VARCHAR(9)", b"1\n", "FILLRECORD EMPTYASNULL", Ok(&["1|~"])),
    ("IGNOREHEADER", "a INT", b"a\n1\n", "IGNOREHEADER AS 1", Ok(&["1"])),
    ("IGNOREBLANKLINES", "a INT", b"1\n\n2\n", "IGNOREBLANKLINES", Ok(&["1", "2"])),
    ("MAXERROR", "a INT", b"1\nx\n2\ny\n3\n", "MAXERROR 3", Ok(&["1", "2", "3"])),
    ("MAXERROR", "a INT", b"1\nx\n2\ny\n3\n", "MAXERROR 2", Err("1207|a|2 1207|a|4")),
    ("IGNOREALLERRORS", "a INT", b"x\n1\ny\n", "IGNOREALLERRORS", Ok(&["1"])),
    ("NOLOAD", "a INT", b"1\n", "NOLOAD", Ok(&[])),
    ("COMPUPDATE and STATUPDATE", "a INT", b"1\n", "COMPUPDATE PRESET STATUPDATE OFF COMPROWS 1000 REGION 'us-west-2'", Ok(&["1"])),
    ("DATEFORMAT", "a DATE", b"2024-01-02\n2024-01-03 10:00:00\n", "", Ok(&["2024-01-02", "2024-01-03"])),
    ("DATEFORMAT", "a DATE", b"01/02/2024\n", "DATEFORMAT 'MM/DD/YYYY'", Ok(&["2024-01-02"])),
    ("DATEFORMAT", "a DATE", b"8 Jan 1999\n19960108\n", "DATEFORMAT AS 'auto'", Ok(&["1996-01-08", "1999-01-08"])),
    ("TIMEFORMAT", "a TIMESTAMP, b TIMESTAMPTZ", b"2024-01-02 03:04:05.5|2024-01-02 03:04:05+02\n", "", Ok(&["2024-01-02 03:04:05.5|2024-01-02 01:04:05+00"])),
    ("TIMEFORMAT", "a TIMESTAMP", b"2019-02-11T05:09:12.195Z\n", "TIMEFORMAT 'auto'", Ok(&["2019-02-11 05:09:12.195"])),
    ("TIMEFORMAT", "a TIMESTAMP", b"1286060866\n", "TIMEFORMAT 'epochsecs'", Ok(&["2010-10-02 23:07:46"])),
    ("TIMEFORMAT", "a TIMESTAMP", b"1286060866123\n", "TIMEFORMAT 'epochmillisecs'", Ok(&["2010-10-02 23:07:46.123"])),
    ("ACCEPTANYDATE", "a INT, b DATE", b"1|00/00/00\n", "ACCEPTANYDATE DATEFORMAT 'auto'", Ok(&["1|~"])),
    ("ENCODING", "a VARCHAR(9)", b"\xFF\xFEa\x00\xE9\x00\n\x00", "ENCODING UTF16", Ok(&["aé"])),
    ("ENCODING", "a VARCHAR(9)", b"\x00a\x00\n", "ENCODING AS UTF16BE", Ok(&["a"])),
    ("Copying data from text and CSV", "a INT, b SUPER", b"1|{\"z\": 1, \"a\": [true, \"x\"]}\n", "", Ok(&["1|{\"a\":[true,\"x\"],\"z\":1}"])),
    ("VARBYTE type", "a VARBYTE", b"616263\n", "", Ok(&["616263"])),
    ("JSON", "catid INT, catname VARCHAR(9), tags VARCHAR(30)", b"{\n \"catname\": \"MLB\", \"catid\": 1, \"tags\": [\n  1,\n  2]\n}{\"catid\": \"2\", \"Catname\": \"x\", \"tags\": null, \"bogus\": {}}", "JSON 'auto'", Ok(&["1|MLB|[1,2]", "2|~|~"])),
    ("JSON", "catid INT, catname VARCHAR(9)", b"{\"CatId\": 1, \"CATNAME\": \"MLB\"}", "FORMAT AS JSON 'auto ignorecase'", Ok(&["1|MLB"])),
    ("JSON", "a INT, b SUPER", b"{\"a\": 1, \"b\": {\"y\": 2, \"x\": [1.50]}}\n{\"a\": 2, \"b\": \"t\"}", "JSON 'auto'", Ok(&["1|{\"x\":[1.50],\"y\":2}", "2|\"t\""])),
    ("JSON", "a SUPER", b"{\"b\": 1, \"a\": 2}\n[3]", "FORMAT JSON 'noshred'", Ok(&["[3]", "{\"a\":2,\"b\":1}"])),
    ("JSON", "a INT", b"{\"a\": 1}\n{\"a\": 2\n", "JSON 'auto'", Err("1216||2")),
    ("JSON", "a VARCHAR(40)", b"{\"a\": \"This sentence\\n is on two lines: \\\\\"}", "JSON 'auto'", Ok(&["This sentence\n is on two lines: \\"])),
];

#[test]
fn files_are_read_as_the_guide_says() {
    run(async {
        let mut bench = Bench::new().await;
        let mut failures = Vec::new();
        for (page, columns, content, options, wanted) in LOADS {
            let given = bench.loads(columns, content, options).await;
            let same = match (&given, wanted) {
                (Ok(rows), Ok(wanted)) => rows == wanted,
                (Err(error), Err(wanted)) => error == wanted,
                _ => false,
            };
            if !same {
                failures.push(format!(
                    "{page}: {:?} {options}\n  gives {given:?}\n  not {wanted:?}",
                    content.escape_ascii().to_string()
                ));
            }
        }
        assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), LOADS.len(), failures.join("\n"));
    });
}

/// "COPY from Amazon S3": a prefix is several files and folders; a manifest names files, and the mandatory must be there.
#[test]
fn a_prefix_or_a_manifest_names_the_files() {
    run(async {
        let mut bench = Bench::new().await;
        let bucket = bench.database.name().to_owned();
        for (key, content) in
            [("in/cust.1", "1\n"), ("in/cust.2", "2\n"), ("in/cust_more/x", "3\n"), ("in/other", "x\n")]
        {
            bench.put(key, content);
        }
        bench.admin.ok("CREATE TABLE t (a INT)").await;
        bench.admin.ok(&bench.copy("t", "in/cust", "")).await;
        assert_eq!(bench.admin.rows("SELECT a FROM t ORDER BY 1").await, ["1", "2", "3"]);
        let manifest = format!(
            "{{\"entries\": [{{\"url\": \"s3://{bucket}/in/cust.2\", \"mandatory\": true}}, {{\"url\": \"s3://{bucket}/in/none\"}}]}}"
        );
        bench.put("list", &manifest);
        bench.admin.ok(&bench.copy("t", "list", "MANIFEST")).await;
        assert_eq!(bench.admin.rows("SELECT SUM(a), pg_last_copy_count() > 0 FROM t").await, ["8|true"]);
        bench.put("list", manifest.replace("in/none\"", "in/none\", \"mandatory\": true"));
        let text = bench.admin.err(&bench.copy("t", "list", "MANIFEST")).await;
        assert!(text.contains("The specified S3 prefix 'in/none' does not exist"), "{text}");
        let text = bench.admin.err(&bench.copy("t", "in/cust.1", "MANIFEST")).await;
        assert!(text.contains("manifest is not properly formed"), "{text}");
        let text = bench.admin.err("COPY t FROM 's3://../etc' IAM_ROLE default").await;
        assert!(text.contains("s3://bucket/key"), "{text}");
    });
}

/// "Column mapping options": column lists, DEFAULT, IDENTITY with and without EXPLICIT_IDS, GENERATED BY DEFAULT.
#[test]
fn columns_are_filled_as_they_are_listed() {
    run(async {
        let mut bench = Bench::new().await;
        bench.put("f", "1|x\n");
        bench.admin.ok("CREATE TABLE d (seats INT NOT NULL DEFAULT 1000, a INT, b VARCHAR(9))").await;
        bench.admin.ok(&bench.copy("d (a, b)", "f", "")).await;
        assert_eq!(bench.admin.rows("SELECT * FROM d").await, ["1000|1|x"]);
        bench.admin.ok("CREATE TABLE i (id INT IDENTITY(7, 1), a INT, b VARCHAR(9))").await;
        bench.admin.ok(&bench.copy("i", "f", "")).await;
        bench.put("g", "42|2|y\n");
        bench.admin.ok(&bench.copy("i", "g", "EXPLICIT_IDS")).await;
        assert_eq!(bench.admin.rows("SELECT * FROM i ORDER BY a").await, ["7|1|x", "42|2|y"]);
        let text = bench.admin.err(&bench.copy("i (id, a, b)", "g", "")).await;
        assert!(text.contains("needs EXPLICIT_IDS"), "{text}");
        let text = bench.admin.err(&bench.copy("i (a, b)", "f", "EXPLICIT_IDS")).await;
        assert!(text.contains("needs the IDENTITY column"), "{text}");
        bench.admin.ok("CREATE TABLE g (id INT GENERATED BY DEFAULT AS IDENTITY (1, 1), a INT, b VARCHAR(9))").await;
        bench.admin.ok(&bench.copy("g", "g", "")).await;
        bench.admin.ok(&bench.copy("g (id, a, b)", "g", "")).await;
        assert_eq!(bench.admin.rows("SELECT * FROM g").await, ["42|2|y", "42|2|y"]);
    });
}

/// "JSONPaths file".
#[test]
fn json_paths_map_documents_to_columns() {
    run(async {
        let mut bench = Bench::new().await;
        let bucket = bench.database.name().to_owned();
        bench.put("doc", "{\"id\": 1, \"store\": {\"book\": {\"title\": \"A\"}}, \"location\": [5, 6]}\n{\"id\": 2}\n");
        bench.put("arrays", "[1,\"A\"]\n[2,\"B\"]");
        bench.put("paths", "{\"jsonpaths\": [\"$['id']\", \"$['store']['book']['title']\"]}");
        bench.put("numbers", "{\"jsonpaths\": [\"$[0]\", \"$[1]\"]}");
        bench.put("beyond", "{\"jsonpaths\": [\"$.id\", \"$.location[2]\"]}");
        bench.put("more", "{\"jsonpaths\": [\"$.id\"]}");
        bench.admin.ok("CREATE TABLE t (a INT, b VARCHAR(9))").await;
        bench.admin.ok(&bench.copy("t", "doc", &format!("JSON 's3://{bucket}/paths'"))).await;
        bench.admin.ok(&bench.copy("t", "arrays", &format!("JSON AS 's3://{bucket}/numbers'"))).await;
        assert_eq!(bench.admin.rows("SELECT * FROM t ORDER BY 1, 2").await, ["1|A", "1|A", "2|B", "2|~"]);
        let text = bench.admin.err(&bench.copy("t", "doc", &format!("JSON 's3://{bucket}/more'"))).await;
        assert!(text.contains("Number of jsonpaths and the number of columns should match"), "{text}");
        bench.admin.err(&bench.copy("t", "doc", &format!("JSON 's3://{bucket}/beyond'"))).await;
        let reason = "SELECT line_number, TRIM(err_reason) FROM stl_load_errors";
        assert_eq!(bench.admin.rows(reason).await, ["1|Invalid JSONPath format: Not an array or index out of range."]);
    });
}

/// "COPY" in a transaction, and what the views say of loads and their errors, which no rollback takes away.
#[test]
fn a_load_is_all_or_nothing_and_is_written_down() {
    run(async {
        let mut bench = Bench::new().await;
        let bucket = bench.database.name().to_owned();
        bench.put("good", "1|x\n2|y\n");
        bench.put("bad", "3|z\nfour|z\n");
        bench.admin.ok("CREATE TABLE t (a INT, b VARCHAR(9))").await;
        bench.admin.ok("BEGIN").await;
        bench.admin.ok(&bench.copy("t", "good", "")).await;
        assert_eq!(bench.admin.rows("SELECT COUNT(*) FROM t").await, ["2"]);
        let text = bench.admin.err(&bench.copy("t", "bad", "")).await;
        assert!(
            text.contains("Load into table 't' failed. Check 'stl_load_errors' system table for details."),
            "{text}"
        );
        bench.admin.ok("ROLLBACK").await;
        assert_eq!(bench.admin.rows("SELECT COUNT(*) FROM t").await, ["0"]);
        let errors = "SELECT TRIM(filename), line_number, TRIM(colname), TRIM(type), TRIM(raw_line), TRIM(raw_field_value), err_code,
                      TRIM(err_reason) FROM stl_load_errors";
        let wanted =
            format!("s3://{bucket}/bad|2|a|int4|four|z|four|1207|Invalid digit, Value 'f', Pos 0, Type: Integer");
        assert_eq!(bench.admin.rows(errors).await, [wanted]);
        let detail = "SELECT error_code, TRIM(column_name) FROM sys_load_error_detail";
        assert_eq!(bench.admin.rows(detail).await, ["1207|a"]);
        bench.admin.ok(&bench.copy("t", "good", "")).await;
        let history = "SELECT table_name, status, loaded_rows, error_count, source_file_count FROM sys_load_history ORDER BY query_id";
        assert_eq!(bench.admin.rows(history).await, ["t|completed|2|0|1", "t|aborted|0|1|1", "t|completed|2|0|1"]);
        let last = "SELECT TRIM(filename), lines_scanned FROM stl_load_commits WHERE query = pg_last_copy_id()";
        assert_eq!(bench.admin.rows(last).await, [format!("s3://{bucket}/good|2")]);
        // GET DIAGNOSTICS and COPY in procedures.
        let copy = bench.copy("t", "good", "");
        bench
            .admin
            .ok(&format!(
                "CREATE PROCEDURE load_good(n OUT BIGINT) AS $$ BEGIN {copy}; GET DIAGNOSTICS n := ROW_COUNT; END; $$ LANGUAGE plpgsql"
            ))
            .await;
        assert_eq!(bench.admin.rows("CALL load_good()").await, ["2"]);
    });
}

/// "COPY": INSERT on the table is needed, and SELECT for UNLOAD.
#[test]
fn privileges_are_the_tables() {
    run(async {
        let mut bench = Bench::new().await;
        bench.put("f", "1\n");
        let user = bench.database.unique("loader");
        bench.admin.ok(&format!("CREATE USER {user} PASSWORD DISABLE")).await;
        bench.admin.ok("CREATE TABLE t (a INT)").await;
        let mut loader = bench.database.login(&user, redshift_data_api::Authentication::DbUser).await.unwrap();
        let text = loader.err(&bench.copy("t", "f", "")).await;
        assert!(text.contains("permission denied"), "{text}");
        bench.admin.ok(&format!("GRANT INSERT ON t TO {user}")).await;
        loader.ok(&bench.copy("t", "f", "")).await;
        let text = loader.err(&bench.unload("SELECT a FROM t", "out/", "")).await;
        assert!(text.contains("permission denied"), "{text}");
        assert!(bench.keys("out").is_empty());
        assert_eq!(loader.rows("SELECT COUNT(*) FROM stl_load_commits").await, ["1"]);
    });
}

/// "File compression parameters".
#[test]
fn compressed_files_are_read_and_written() {
    run(async {
        let mut bench = Bench::new().await;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"1\n2\n").unwrap();
        bench.put("f.gz", gzip.finish().unwrap());
        bench.put("f.zst", zstd::encode_all(b"3\n".as_slice(), 0).unwrap());
        bench.admin.ok("CREATE TABLE t (a INT)").await;
        bench.admin.ok(&bench.copy("t", "f.gz", "GZIP")).await;
        bench.admin.ok(&bench.copy("t", "f.zst", "ZSTD")).await;
        assert_eq!(bench.admin.rows("SELECT a FROM t ORDER BY 1").await, ["1", "2", "3"]);
        let text = bench.admin.err(&bench.copy("t", "f.zst", "GZIP")).await;
        assert!(text.contains("is not in gzip format"), "{text}");
        bench.admin.ok(&bench.unload("SELECT a FROM t ORDER BY 1", "out/", "GZIP PARALLEL OFF")).await;
        let packed = std::fs::read(bench.path("out/000.gz")).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "1\n2\n3\n");
        bench.admin.ok(&bench.copy("t", "out/", "GZIP")).await;
        assert_eq!(bench.admin.rows("SELECT COUNT(*) FROM t").await, ["6"]);
    });
}

/// A page, options, and the file of the rows of [`VENUES`].
const UNLOADS: &[(&str, &str, &str)] = &[
    ("UNLOAD", "", "1|Park, \"A\"|10.50|t|null\n2|Rk|y||f|{\"k\":[1]}\n"),
    ("DELIMITER", "DELIMITER AS '\\t'", "1\tPark, \"A\"\t10.50\tt\tnull\n2\tRk|y\t\tf\t{\"k\":[1]}\n"),
    ("CSV", "CSV", "1,\"Park, \"\"A\"\"\",10.50,t,null\n2,Rk|y,,f,\"{\"\"k\"\":[1]}\"\n"),
    ("CSV", "FORMAT CSV DELIMITER '|'", "1|\"Park, \"\"A\"\"\"|10.50|t|null\n2|\"Rk|y\"||f|\"{\"\"k\"\":[1]}\"\n"),
    (
        "HEADER",
        "HEADER CSV",
        "id,name,price,is_open,more\n1,\"Park, \"\"A\"\"\",10.50,t,null\n2,Rk|y,,f,\"{\"\"k\"\":[1]}\"\n",
    ),
    ("NULL AS", "NULL AS 'fred'", "1|Park, \"A\"|10.50|t|null\n2|Rk|y|fred|f|{\"k\":[1]}\n"),
    ("ESCAPE", "ESCAPE", "1|Park, \"A\"|10.50|t|null\n2|Rk\\|y||f|{\"k\":[1]}\n"),
    (
        "ADDQUOTES",
        "ADDQUOTES ESCAPE",
        "\"1\"|\"Park, \\\"A\\\"\"|\"10.50\"|\"t\"|\"null\"\n\"2\"|\"Rk\\|y\"|\"\"|\"f\"|\"{\"k\":[1]}\"\n",
    ),
    (
        "FIXEDWIDTH",
        "FIXEDWIDTH AS 'a:2,b:9,c:5,d:1,e:9'",
        "1 Park, \"A\"10.50tnull     \n2 Rk|y          f{\"k\":[1]}\n",
    ),
    (
        "JSON",
        "JSON",
        "{\"id\":1,\"name\":\"Park, \\\"A\\\"\",\"price\":10.50,\"is_open\":\"t\",\"more\":null}\n{\"id\":2,\"name\":\"Rk|y\",\"price\":null,\"is_open\":\"f\",\"more\":{\"k\":[1]}}\n",
    ),
];

const VENUES: &str = "CREATE TABLE venue (id INT, name VARCHAR(20), price DECIMAL(5,2), is_open BOOLEAN, more SUPER);
    INSERT INTO venue VALUES (1, 'Park, \"A\"', 10.5, true, NULL), (2, 'Rk|y', NULL, false, JSON_PARSE('{\"k\": [1]}'))";

async fn venues(bench: &mut Bench) {
    for statement in redshift_sql::split(VENUES).unwrap() {
        bench.admin.ok(statement).await;
    }
}

#[test]
fn files_are_written_as_the_guide_says() {
    run(async {
        let mut bench = Bench::new().await;
        venues(&mut bench).await;
        for (page, options, wanted) in UNLOADS {
            let options = format!("{options} ALLOWOVERWRITE");
            let result = bench.admin.ok(&bench.unload("SELECT * FROM venue ORDER BY id", "out/v_", &options)).await;
            assert_eq!(result.rows_affected, 2);
            assert_eq!(bench.get("out/v_0000_part_00"), *wanted, "{page}: {options}");
        }
        assert_eq!(bench.admin.rows("SELECT pg_last_unload_count()").await, ["2"]);
        let text = bench.admin.err(&bench.unload("SELECT name FROM venue", "w/", "FIXEDWIDTH 'a:3'")).await;
        assert!(text.contains("longer than its column"), "{text}");
        let text = bench.admin.err(&bench.unload("SELECT id, id FROM venue", "j/", "JSON")).await;
        assert!(text.contains("must be unique"), "{text}");
    });
}

/// "UNLOAD": names of files, what is there already, CLEANPATH, and the way back by COPY.
#[test]
fn files_have_their_names_and_do_not_overwrite_others() {
    run(async {
        let mut bench = Bench::new().await;
        venues(&mut bench).await;
        let query = "SELECT id, name FROM venue ORDER BY id";
        bench.admin.ok(&bench.unload(query, "serial/v_", "PARALLEL OFF HEADER")).await;
        assert_eq!(bench.keys("serial"), ["v_000"]);
        assert!(bench.get("serial/v_000").starts_with("id|name\n1|"));
        bench.admin.ok(&bench.unload(query, "both/", "CSV")).await;
        assert_eq!(bench.keys("both"), ["0000_part_00"]);
        let text = bench.admin.err(&bench.unload(query, "both/", "CSV")).await;
        assert!(text.contains("Specified unload destination on S3 is not empty"), "{text}");
        bench.admin.ok(&bench.unload(query, "both/", "CSV PARALLEL OFF ALLOWOVERWRITE")).await;
        assert_eq!(bench.keys("both"), ["000", "0000_part_00"]);
        bench.admin.ok(&bench.unload(query, "both/", "CSV CLEANPATH")).await;
        assert_eq!(bench.keys("both"), ["0000_part_00"]);
        bench.admin.ok("CREATE TABLE again (id INT, name VARCHAR(20))").await;
        bench.admin.ok(&bench.copy("again", "both/", "CSV")).await;
        assert_eq!(
            bench.admin.rows("SELECT * FROM again MINUS SELECT id, name FROM venue").await,
            Vec::<String>::new()
        );
        assert_eq!(bench.admin.rows("SELECT COUNT(*) FROM again").await, ["2"]);
        bench.admin.ok(&bench.unload("SELECT id FROM venue WHERE id > 5", "none/", "")).await;
        assert_eq!(bench.get("none/0000_part_00"), "");
        let log = "SELECT COUNT(*) FROM stl_unload_log WHERE query = pg_last_unload_id() AND line_count = 0";
        assert_eq!(bench.admin.rows(log).await, ["1"]);
    });
}

/// "MAXFILESIZE".
#[test]
fn large_results_are_several_files() {
    run(async {
        let mut bench = Bench::new().await;
        bench.admin.ok("CREATE TABLE t (a VARCHAR(65535))").await;
        bench.admin.ok("CREATE TABLE ten (n INT)").await;
        bench.admin.ok("INSERT INTO ten VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)").await;
        bench.admin.ok("INSERT INTO t SELECT repeat('x', 60000) FROM ten, ten b").await;
        bench.admin.ok(&bench.unload("SELECT a FROM t", "big/", "MAXFILESIZE AS 5 MB MANIFEST")).await;
        assert_eq!(bench.keys("big"), ["0000_part_00", "0000_part_01", "manifest"]);
        let whole = 5 * 1024 * 1024 / 60_001;
        assert_eq!(bench.get("big/0000_part_00").len(), whole * 60_001);
        bench.admin.ok("CREATE TABLE u (LIKE t)").await;
        bench.admin.ok(&bench.copy("u", "big/manifest", "MANIFEST")).await;
        assert_eq!(bench.admin.rows("SELECT COUNT(*), SUM(LEN(a)) FROM u").await, ["100|6000000"]);
    });
}

/// "PARTITION BY", "MANIFEST [ VERBOSE ]".
#[test]
fn partitions_are_folders() {
    run(async {
        let mut bench = Bench::new().await;
        let bucket = bench.database.name().to_owned();
        bench.admin.ok("CREATE TABLE t (id INT, state CHAR(2), day DATE)").await;
        bench
            .admin
            .ok("INSERT INTO t VALUES (1, 'IL', '2024-01-02'), (2, NULL, '2024-01-02'), (3, 'IL', '2024-01-02')")
            .await;
        let query = "SELECT * FROM t ORDER BY id";
        bench.admin.ok(&bench.unload(query, "p", "CSV PARTITION BY (state, day) MANIFEST VERBOSE")).await;
        assert_eq!(bench.get("p/state=IL/day=2024-01-02/0000_part_00"), "1\n3\n");
        assert_eq!(bench.get("p/state=__HIVE_DEFAULT_PARTITION__/day=2024-01-02/0000_part_00"), "2\n");
        let manifest: serde_json::Value = serde_json::from_str(&bench.get("pmanifest")).unwrap();
        let url = format!("s3://{bucket}/p/state=IL/day=2024-01-02/0000_part_00");
        assert_eq!(manifest["entries"][0]["url"], url);
        assert_eq!(manifest["entries"][0]["meta"]["record_count"], 2);
        assert_eq!(manifest["meta"]["content_length"], 6);
        assert_eq!(manifest["schema"]["elements"][0]["type"]["base"], "integer");
        bench.admin.ok(&bench.unload(query, "q", "CSV PARTITION BY (state) INCLUDE")).await;
        assert_eq!(bench.get("q/state=IL/0000_part_00"), "1,IL,2024-01-02\n3,IL,2024-01-02\n");
        let text = bench.admin.err(&bench.unload(query, "r", "CSV PARTITION BY (id, state, day)")).await;
        assert!(text.contains("at least one column"), "{text}");
        let text = bench.admin.err(&bench.unload(query, "r", "CSV PARTITION BY (nothing)")).await;
        assert!(text.contains("is not a column of the query"), "{text}");
    });
}

#[test]
fn without_a_folder_both_are_refused() {
    run(async {
        let stand_in = StandIn::start(Options::default()).await.unwrap();
        let login = redshift_data_api::Login {
            database: "dev".to_owned(),
            db_user: "awsuser".to_owned(),
            authentication: redshift_data_api::Authentication::DbUser,
        };
        let mut client = Client(stand_in.engine().connect(&login).await.unwrap(), None);
        client.ok("CREATE TABLE t (a INT)").await;
        for sql in ["COPY t FROM 's3://b/k' IAM_ROLE default", "UNLOAD ('SELECT 1') TO 's3://b/k' IAM_ROLE default"] {
            let text = client.err(sql).await;
            assert!(text.contains("start it with --s3 FOLDER"), "{text}");
        }
        stand_in.shutdown().await;
    });
}

/// "ALTER USER": a parameter's new default holds for the user's next sessions.
#[test]
fn a_users_defaults_are_the_next_sessions() {
    run(async {
        let mut bench = Bench::new().await;
        let user = bench.database.unique("defaulted");
        bench.admin.ok(&format!("CREATE USER {user} PASSWORD DISABLE")).await;
        bench.admin.ok("CREATE SCHEMA mart").await;
        bench.admin.ok(&format!("GRANT USAGE ON SCHEMA mart TO {user}")).await;
        bench.admin.ok("CREATE TABLE mart.t (a INT)").await;
        bench.admin.ok(&format!("GRANT SELECT ON mart.t TO {user}")).await;
        bench.admin.ok(&format!("ALTER USER {user} SET search_path TO mart, public")).await;
        bench.admin.ok(&format!("ALTER USER {user} SET enable_case_sensitive_identifier TO true")).await;
        let login = || bench.database.login(&user, redshift_data_api::Authentication::DbUser);
        let mut session = login().await.unwrap();
        assert_eq!(session.rows("SELECT a FROM t").await, Vec::<String>::new());
        assert_eq!(session.rows("SHOW enable_case_sensitive_identifier").await, ["on"]);
        bench.admin.ok(&format!("ALTER USER {user} RESET search_path")).await;
        bench.admin.ok(&format!("ALTER USER {user} SET enable_case_sensitive_identifier TO DEFAULT")).await;
        let mut session = login().await.unwrap();
        assert_eq!(session.rows("SHOW search_path").await, ["\"$user\", public"]);
        assert_eq!(session.rows("SHOW enable_case_sensitive_identifier").await, ["off"]);
    });
}
