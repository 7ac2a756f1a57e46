//! A command as the contract describes it.

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// One command.
pub(crate) struct Command {
    pub name: &'static str,
    pub says: &'static str,
    pub arguments: RefOr<Schema>,
    pub result: RefOr<Schema>,
    pub uses: Vec<(String, RefOr<Schema>)>,
}

/// `T` has the fields `arguments` and `result`, and is a name for nothing else.
pub(crate) fn command<T: ToSchema + PartialSchema>(name: &'static str, says: &'static str) -> Command {
    let mut uses = Vec::new();
    T::schemas(&mut uses);
    let described = json!(T::schema());
    let part = |name: &str| described["properties"][name].clone();
    let arguments = part("arguments");
    // The arguments' own type is named after the command: its text goes where it is used.
    let arguments = resolve(&arguments, &mut uses).unwrap_or(arguments);
    let read = |value| serde_json::from_value(value).unwrap_or_else(|_| RefOr::T(Schema::default()));
    Command { name, says, arguments: read(arguments), result: read(part("result")), uses }
}

fn resolve(reference: &Value, uses: &mut Vec<(String, RefOr<Schema>)>) -> Option<Value> {
    let name = reference["$ref"].as_str()?.rsplit('/').next()?.to_owned();
    let at = uses.iter().position(|(known, _)| *known == name)?;
    Some(json!(uses.remove(at).1))
}
