"""Gates for the templates: `cargo verify infra` runs them. See infra/README.md."""
