//! Tests of frames and shapes.
