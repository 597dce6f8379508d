//! Plans: every decision as data, made before anything is executed.

pub mod provision;
