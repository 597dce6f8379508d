//! Prints the pipeline file's JSON Schema:
//! `cargo run -p cdc-core --example pipeline-schema > shared/cdc-core/pipeline.schema.json`.

fn main() {
    print!("{}", cdc_core::pipeline::Pipeline::json_schema_text());
}
