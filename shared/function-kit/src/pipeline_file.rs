//! Reading the pipeline file and the files that it names. What they mean is the core's business.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cdc_core::error::{Classify, ErrorKind};
use cdc_core::pipeline::{KafkaSection, Pipeline, PipelineErrors};
use cdc_core::sql::layout::Layout;

/// A pipeline file, read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says.
    pub pipeline: Pipeline,
    /// The `CREATE TABLE` dumps that it names, by name as written.
    pub dumps: BTreeMap<String, String>,
}

impl Loaded {
    /// Where the pipeline's generated objects are in the warehouse.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout {
            control_schema: self.pipeline.control_schema().to_owned(),
            landing_schema: self.pipeline.landing_schema().to_owned(),
            external_schema: self.pipeline.external_schema().to_owned(),
        }
    }

    /// The Kafka section, if the file has one.
    #[must_use]
    pub fn kafka(&self) -> Option<&KafkaSection> {
        self.pipeline.kafka()
    }
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PipelineFileError {
    /// It cannot be read.
    #[error("{} cannot be read; check {named_by} and that the file is part of the function's package", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where its name comes from.
        named_by: &'static str,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// It is not a valid pipeline file.
    #[error("{} is not a valid pipeline file", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// All problems, with lines.
        #[source]
        source: PipelineErrors,
    },
}

impl Classify for PipelineFileError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Misconfigured
    }
}

/// Reads a pipeline file, and the dumps that it names, which lie beside it.
pub fn load(path: &Path) -> Result<Loaded, PipelineFileError> {
    let text = read(path, "PIPELINE_FILE")?;
    let pipeline =
        Pipeline::parse(&text).map_err(|source| PipelineFileError::Invalid { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let dumps = pipeline
        .dump_files()
        .into_iter()
        .map(|name| Ok((name.to_owned(), read(&folder.join(name), "source.dump")?)))
        .collect::<Result<_, PipelineFileError>>()?;
    Ok(Loaded { pipeline, dumps })
}

/// Reads a text file that a setting names.
pub fn read(path: &Path, named_by: &'static str) -> Result<String, PipelineFileError> {
    std::fs::read_to_string(path).map_err(|source| PipelineFileError::Unreadable {
        path: path.to_owned(),
        named_by,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "version: 1\nname: shop\nsource:\n  topic_prefix: shop\n  dump: ddl.sql\n\
                        tables:\n  - topic: shop.shop.*\n";

    #[test]
    fn the_dump_lies_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipeline.yaml");
        std::fs::write(&path, FILE).unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.to_string().contains("ddl.sql"), "{error}");
        assert!(error.to_string().contains("source.dump"), "{error}");
        std::fs::write(folder.path().join("ddl.sql"), "CREATE TABLE a (b INT);").unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.dumps["ddl.sql"], "CREATE TABLE a (b INT);");
        assert_eq!(loaded.layout().control_schema, "cdc");
    }

    #[test]
    fn a_bad_file_is_named_with_its_problems_below() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipeline.yaml");
        std::fs::write(&path, "version: 1\nnmae: shop\n").unwrap();
        let error = load(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(crate::diagnostic::chain(&error).contains("nmae"));
        assert!(load(&folder.path().join("none.yaml")).is_err());
    }
}
