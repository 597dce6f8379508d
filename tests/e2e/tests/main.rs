//! Whole-path tests: recorded events through Kafka, pollers, the real function binaries, the
//! Data API and Redshift SQL, compared with the source's own tables value by value.

mod corpora;
mod counted;
mod evolution;
mod expired;
mod faults;
mod flattened;
mod histories;
mod lost_rows;
mod mode_histories;
mod mode_rows;
mod modes;
mod operations;
mod poison;
mod protection;
mod protection_types;
mod rights;
mod rows;
mod tables;
mod types;
mod values;
