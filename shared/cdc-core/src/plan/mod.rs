//! Plans: every decision as data, made before anything is executed.

pub mod merge;
pub mod provision;
