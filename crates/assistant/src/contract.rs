//! The commands and what they take and give, as an OpenAPI document. The pages' types are generated from it; the
//! development server's paths are those it names.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{commands, described::Command, view};

/// The document, pretty-printed JSON with a newline at its end.
pub fn document() -> String {
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    let mut paths = serde_json::Map::new();
    let mut uses = Vec::new();
    view::Event::schemas(&mut uses);
    uses.push((view::Event::name().into_owned(), view::Event::schema()));
    view::Failure::schemas(&mut uses);
    uses.push((view::Failure::name().into_owned(), view::Failure::schema()));
    for Command { name, says, arguments, result, uses: more } in commands::all() {
        uses.extend(more);
        let json_of = |schema: &RefOr<Schema>| json!({ "application/json": { "schema": schema } });
        paths.insert(
            format!("/ipc/{name}"),
            json!({ "post": {
                "operationId": name,
                "summary": says.trim(),
                "requestBody": { "required": true, "content": json_of(&arguments) },
                "responses": {
                    "200": { "description": "done", "content": json_of(&result) },
                    "422": {
                        "description": "not done",
                        "content": {
                            "application/json": { "schema": { "$ref": "#/components/schemas/Failure" } }
                        },
                    },
                },
            }}),
        );
    }
    for (name, schema) in uses {
        schemas.insert(name, json!(schema));
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The assistant's commands",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Generated: cargo xtask contract",
        },
        "paths": paths,
        "components": { "schemas": schemas },
    });
    serde_json::to_string_pretty(&sorted(document)).unwrap_or_default() + "\n"
}

/// Keys in their order, whatever other crates of a build ask of `serde_json`.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
