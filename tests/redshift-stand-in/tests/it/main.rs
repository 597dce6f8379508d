//! The stand-in on a real PostgreSQL server, which its own launcher starts.
//!
//! One server serves all tests; each test has a database of its own. Each rule names the page of
//! Redshift's documentation that it comes from ("DG" is the Database Developer Guide).

mod access;
mod catalogs;
mod clients;
mod constructs;
mod corpus;
mod definitions;
mod explain;
mod files;
mod harness;
mod isolation;
mod launcher;
mod pipeline;
mod policies;
mod procedures;
mod results;
mod show;
mod speed;
mod streaming;
mod system_views;
